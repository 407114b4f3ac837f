"""What one office asks of citizens' reports beyond what all must: its district, a name, rewards; none by default."""

from dataclasses import dataclass

from core.district import District, load_district
from core.settings import Settings

BORDER_M = 1000.0
"""A place claimed this far outside is refused; nearer, or told by the camera alone, an officer looks.

Source: a phone's accuracy (domain §4.2, 50 m) and maps that shift China by up to 700 m (GCJ-02), with room to spare.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """``needs_name``: reports come from accounts only whose citizen told a name.

    ``reward_days``: how long a confirmed report's reward can be fetched; 0 pays none.
    """

    district: District | None = None
    needs_name: bool = False
    reward_days: int = 0

    def outside_m(self, lat_deg: float | None, lon_deg: float | None) -> float:
        """Returns how far a place lies outside the district; 0 within, or where nothing can be told."""
        if self.district is None or lat_deg is None or lon_deg is None:
            return 0.0
        return self.district.outside_m(lat_deg, lon_deg)


def load_office(settings: Settings) -> Office:
    """Returns the office of an installation.

    Raises:
        ConfigError: the file of the district is missing or no boundary.
    """
    return Office(
        district=None if settings.district is None else load_district(settings.district),
        needs_name=settings.real_name,
        reward_days=settings.reward_days,
    )
