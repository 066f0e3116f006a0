"""The plan of the simulated period: size, dates on which something happens, identifiers of the releases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from ingestion.demo.company.clock import Clock, instant

DEFAULT_END = date(2026, 4, 7)
"""Tuesday after Easter. 180 days back from it hold both clock changes and eight public holidays of Poland."""


@dataclass(frozen=True)
class Plan:
    """Size and seed of the company; everything else follows from them.

    Args:
        customers: Number of known persons; web events come out at about 40 per person.
        days: Number of simulated days.
        seed: Seed of all random streams.
        end: Last simulated local day (zone Europe/Warsaw).
    """

    customers: int = 5_000
    days: int = 180
    seed: int = 7
    end: date = DEFAULT_END

    def __post_init__(self) -> None:
        """Refuse sizes that cannot hold what is planted.

        Raises:
            ValueError: Fewer than 200 customers or fewer than 28 days.
        """
        if self.customers < 200:
            raise ValueError(f"customers is {self.customers}; the planted cases need 200 or more")
        if self.days < 28:
            raise ValueError(f"days is {self.days}; the planted cases need 28 or more")

    def clock(self) -> Clock:
        """Days, zone and rhythm of this plan."""
        return Clock(self.end, self.days, self.seed)


@dataclass(frozen=True)
class Release:
    """One dated change of the company, a row of releases.csv."""

    release_id: str
    name: str
    version: str
    area: str
    kind: str
    touchpoint_id: str
    released_at: int
    ended_at: int | None
    rollout_percent: int
    description: str


@dataclass(frozen=True)
class Calendar:
    """Dates of the planted changes.

    ``dip_from``/``dip_until``: two weeks of lower NPS and delivery CSAT after a release.
    ``leak_from``: from this day on the mobile checkout loses most of its buyers.
    ``late_days``: day -> day on which its GA4 file is rewritten with events that came late.
    """

    dip_from: date
    dip_until: date
    leak_from: date
    late_days: dict[date, date]
    releases: tuple[Release, ...]

    @classmethod
    def of(cls, clock: Clock) -> Calendar:
        """Place the changes in the period: the dip at its half, the leak at three quarters, both on a Monday."""
        dip = clock.monday_at(500_000)
        leak = clock.monday_at(750_000)
        two_days = timedelta(days=2)
        middle = clock.days[len(clock.days) * 6 // 10]
        late = {
            middle: middle + two_days,
            clock.end - two_days: clock.end + timedelta(days=1),
            clock.end - timedelta(days=1): clock.end + timedelta(days=1),
        }
        fixed = dip + timedelta(days=14)
        early = clock.days[len(clock.days) // 6]
        spring = clock.days[len(clock.days) * 9 // 10]
        releases = (
            Release("REL-1", "Product reviews on the shelf page", "4.8", "shop", "feature", "product_page",
                    instant(early, 10), None, 100, "Reviews shown in the category listing."),
            Release("REL-2", "New parcel carrier", "2026.1", "delivery", "process", "delivery",
                    instant(dip), instant(fixed), 100, "All parcels moved to one new carrier."),
            Release("REL-3", "Old carrier brought back", "2026.2", "delivery", "fix", "delivery",
                    instant(fixed), None, 100, "Parcels shared between two carriers again."),
            Release("REL-4", "Checkout 3.0 on phones", "5.0", "checkout", "feature", "checkout",
                    instant(leak), None, 100, "New payment form on small screens."),
            Release("REL-5", "Free returns in shops", "policy-7", "returns", "policy", "returns",
                    instant(spring, 8), None, 50, "Web orders can be returned in shops."),
        )  # fmt: skip
        return cls(dip, fixed, leak, late, releases)
