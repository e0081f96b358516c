"""An estate over months with nobody in it who should not be, and much that looks as if there were."""

from __future__ import annotations

from stillhunt.simulation.chance import stream
from stillhunt.simulation.parts import Part
from stillhunt.simulation.scenario import Scenario
from stillhunt.simulation.scenarios._elections import open_office

__all__ = ["SCENARIO"]

_CHOICES = (
    frozenset({Part.MAIL_SERVER}),
    frozenset({Part.VPN}),
    frozenset({Part.SENSOR, Part.POSTBOX}),
    frozenset({Part.TENANT}),
    frozenset({Part.TENANT, Part.FEDERATION}),
    frozenset({Part.WEB_LINUX, Part.SENSOR}),
    frozenset({Part.WEB_WINDOWS, Part.SENSOR}),
)


def _needs(seed: int) -> frozenset[Part]:
    """What one or two of the other scenarios need."""
    random = stream(seed, "quiet parts")
    first, second = random.sample(_CHOICES, 2)
    return first if random.random() < 0.5 else first | second


SCENARIO = Scenario(
    name="quiet",
    title="An office where nothing happens",
    summary=(
        "Sixteen months or more of ordinary life: staff, administrators, backups, patch nights, a vulnerability"
        " scanner and the noise of the Internet. At full size it is the estate and the background of `electoral` for"
        " the same seed; a small one has what one or two of the other scenarios need."
    ),
    needs=_needs,
    play=None,
    opens=open_office,
)
