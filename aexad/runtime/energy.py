"""Energy and CO2 of a block of work, estimated by codecarbon; results never depend on it.

codecarbon is optional (``pip install 'aexad[energy]'``). It works offline: the CO2 per kWh is the
yearly mean of a country's grid, from a table that codecarbon contains. Where no counter can be read
(RAPL, NVML), the power is estimated from the load and the rated power of the processor.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aexad.runtime.errors import one_line

NO_COUNTRY = "not measured: no country is set"
INTERRUPTED = "not known: the training was interrupted, and its first part is not counted"
NOT_INSTALLED = "not measured: codecarbon is not installed (pip install 'aexad[energy]')"


@contextmanager
def energy_of(country: str | None) -> Iterator[dict[str, Any]]:
    """Estimate what a block uses; an error of the measurement never stops the block.

    Parameters
    ----------
    country : str or None
        Three-letter ISO code of the country of the machine; None: nothing is measured.

    Yields
    ------
    dict
        Filled when the block ends: ``kwh`` and ``co2_g`` (grams), each a float or None, and
        ``reason``, why one of them is None.
    """
    used: dict[str, Any] = {"kwh": None, "co2_g": None, "reason": NO_COUNTRY}
    with _silenced() as exceptions:
        tracker = None
        if country is not None:
            try:
                tracker = _started(country)
            except ImportError:
                used["reason"] = NOT_INSTALLED
            except Exception as error:
                used["reason"] = _failure([*exceptions, error])
        try:
            yield used
        finally:
            if tracker is not None:
                try:
                    used.update(_stopped(tracker))
                except Exception as error:
                    used["reason"] = _failure([*exceptions, error])


def _started(country: str) -> Any:
    from codecarbon import OfflineEmissionsTracker

    tracker = OfflineEmissionsTracker(
        country_iso_code=country,
        tracking_mode="process",  # other jobs may share the machine
        allow_multiple_runs=True,
        # No file and no network, whatever the user's configuration of codecarbon says.
        output_methods=[],
        emissions_endpoint=False,
        electricitymaps_api_token="",
    )
    tracker.start()
    return tracker


def _stopped(tracker: Any) -> dict[str, Any]:
    tracker.stop()
    data = tracker.final_emissions_data
    kwh, co2_g = float(data.energy_consumed), 1000 * float(data.emissions)
    if not (math.isfinite(kwh) and math.isfinite(co2_g)):
        raise ValueError(f"{kwh} kWh, {co2_g} g are not finite")
    if not data.country_name:  # codecarbon would use the mean of the world
        reason = f"CO2 not known: codecarbon has no country '{data.country_iso_code}'"
        return {"kwh": kwh, "co2_g": None, "reason": reason}
    return {"kwh": kwh, "co2_g": co2_g, "reason": None}


def _failure(errors: list[BaseException]) -> str:
    """The first error is the cause: codecarbon logs an exception and continues until it fails."""
    return (
        f"not measured: codecarbon failed ({type(errors[0]).__name__}: {one_line(errors[0], 200)})"
    )


@contextmanager
def _silenced() -> Iterator[list[BaseException]]:
    """Keep codecarbon's messages off the screen; yield the exceptions that it only logs."""
    exceptions: list[BaseException] = []

    def keep(record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            exceptions.append(record.exc_info[1])
        return False

    logger = logging.getLogger("codecarbon")
    logger.addFilter(keep)
    try:
        yield exceptions
    finally:
        logger.removeFilter(keep)
