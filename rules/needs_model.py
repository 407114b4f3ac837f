"""V17 e-bike helmet, V18 e-bike passengers, V26 motorcycle helmet; V09: in the catalogue, not proposed.

Legal elements: V17 and V18 are local law (a city overlay names the article), V26 is RTSL 51.
Checked here: nothing. A bare head or a second rider takes a network trained for it, which is not installed; a
machine that guessed would accuse people. Switching such an offence on is refused where a run starts.
A human checks: V09, the driver present who was told to leave and stays, on a V08 case.
Known traps: hoods, umbrellas, child seats, boxes of two people riding side by side.
"""

from core.site import Site

REFUSED = {
    "V09": "cannot be seen: the reviewer of a V08 case decides whether the driver was present and refused to leave",
    "V17": "needs model helmet, not installed",
    "V18": "needs model riders, not installed",
    "V26": "needs model helmet, not installed",
}
"""Why an offence of the catalogue is not proposed."""


def refusals(site: Site, built: frozenset[str]) -> list[str]:
    """Returns one line for every offence the site switches on that this version does not judge."""
    wanted = [rule for rule in sorted(site.rules) if site.is_enabled(rule) and rule not in built]
    return [f"rules.{rule} {REFUSED.get(rule, 'is not built in this version')}" for rule in wanted]
