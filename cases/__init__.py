"""Cases: what people decide about sealed evidence. Mutable, two-person, hash-chained audit for every row."""
