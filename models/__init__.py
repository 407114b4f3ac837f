"""Networks that ship with Lukou: weights, their manifests, how their output is read, how they are trained."""
