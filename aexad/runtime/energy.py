"""Energy and CO2 of a piece of work, as codecarbon estimates them; a result never depends on it.

codecarbon is optional (``pip install 'aexad[energy]'``). It is used offline: the CO2 of a kWh is
the yearly mean of a country's grid, from a table that comes with it. Where there is no counter that
may be read (RAPL, NVML), power follows from load and rated power of the processor: an estimate.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NO_COUNTRY = "not measured: no country is set"
INTERRUPTED = "not known: the training was interrupted, and what came before is not counted"
NOT_INSTALLED = "not measured: codecarbon is not installed (pip install 'aexad[energy]')"


@contextmanager
def energy_of(country: str | None) -> Iterator[dict[str, Any]]:
    """Estimate what the block uses; nothing that goes wrong with that ever stops the block.

    Parameters
    ----------
    country : str or None
        Three-letter ISO code of where the machine stands; None: nothing is measured.

    Yields
    ------
    dict
        Filled when the block ends: ``kwh`` and ``co2_g`` (grams), each a float or None, and
        ``reason``, why one of them is None.
    """
    used: dict[str, Any] = {"kwh": None, "co2_g": None, "reason": None}
    with _silenced() as exceptions:
        tracker = _started(country, used, exceptions)
        try:
            yield used
        finally:
            if tracker is not None:
                _stop(tracker, used, exceptions)


def _started(country: str | None, used: dict[str, Any], exceptions: list[BaseException]) -> Any:
    if country is None:
        used["reason"] = NO_COUNTRY
        return None
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError:
        used["reason"] = NOT_INSTALLED
        return None
    try:
        tracker = OfflineEmissionsTracker(
            country_iso_code=country,
            tracking_mode="process",  # other jobs may share the machine
            allow_multiple_runs=True,
            # No file and no network, whatever a configuration of the user's own says.
            output_methods=[],
            emissions_endpoint=False,
            electricitymaps_api_token="",
        )
        tracker.start()
    except Exception as error:
        used["reason"] = _failed(error, exceptions)
        return None
    return tracker


def _stop(tracker: Any, used: dict[str, Any], exceptions: list[BaseException]) -> None:
    try:
        tracker.stop()
        data = tracker.final_emissions_data
        kwh, co2_g = float(data.energy_consumed), 1000 * float(data.emissions)
        if not (math.isfinite(kwh) and math.isfinite(co2_g)):
            raise ValueError(f"{kwh} kWh, {co2_g} g are no amounts")
    except Exception as error:
        used["reason"] = _failed(error, exceptions)
        return
    used["kwh"] = kwh
    if data.country_name:
        used["co2_g"] = co2_g
    else:  # it would take the mean of the world
        used["reason"] = f"CO2 not known: codecarbon has no country '{data.country_iso_code}'"


def _failed(error: Exception, exceptions: list[BaseException]) -> str:
    """What went wrong first; codecarbon goes on after an exception, until something is missing."""
    first = exceptions[0] if exceptions else error
    return f"not measured: codecarbon failed ({type(first).__name__}: {first})"


@contextmanager
def _silenced() -> Iterator[list[BaseException]]:
    """Keep codecarbon's messages from the screen; yield the exceptions that it only logs."""
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
