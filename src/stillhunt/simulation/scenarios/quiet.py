"""The estate of the electoral scenario over the same months, with nobody in it who should not be."""

from __future__ import annotations

from stillhunt.simulation.scenario import Scenario
from stillhunt.simulation.scenarios._elections import open_office

__all__ = ["SCENARIO"]

SCENARIO = Scenario(
    name="quiet",
    title="An elections office where nothing happens",
    summary=(
        "Seventeen months of ordinary life: staff, administrators, backups, patch nights, a vulnerability scanner"
        " and the noise of the Internet. The same seed gives the estate and the background of `electoral`."
    ),
    write=open_office,
)
