"""Energy is measured, or null with the reason; a measurement that fails stops nothing."""

import logging
import socket
import sys
import time
from types import SimpleNamespace

import pytest

from aexad.runtime.energy import NO_COUNTRY, NOT_INSTALLED, energy_of


def busy(seconds):
    """Use the processor."""
    end, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        count += 1
    return count


def replace_tracker(monkeypatch, tracker):
    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=tracker))


class Tracker:
    """A stand-in for codecarbon's tracker with fixed values."""

    energy, emissions, country = 0.5, 0.25, "Germany"

    def __init__(self, country_iso_code, **options):
        self.code = country_iso_code

    def start(self):
        pass

    def stop(self):
        self.final_emissions_data = SimpleNamespace(
            energy_consumed=self.energy,
            emissions=self.emissions,
            country_name=self.country,
            country_iso_code=self.code,
        )


def test_without_a_country_nothing_is_measured(monkeypatch):
    monkeypatch.setitem(sys.modules, "codecarbon", None)  # an import would fail
    with energy_of(None) as energy:
        pass
    assert energy == {"kwh": None, "co2_g": None, "reason": NO_COUNTRY}


def test_without_the_package_the_reason_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    with energy_of("DEU") as energy:
        pass
    assert energy == {"kwh": None, "co2_g": None, "reason": NOT_INSTALLED}


def test_values_are_kwh_and_grams(monkeypatch):
    replace_tracker(monkeypatch, Tracker)
    with energy_of("DEU") as energy:
        assert energy["kwh"] is None
    assert energy == {"kwh": 0.5, "co2_g": 250.0, "reason": None}


def test_an_unknown_country_has_energy_and_no_co2(monkeypatch):
    replace_tracker(monkeypatch, type("Lost", (Tracker,), {"country": None}))
    with energy_of("XXX") as energy:
        pass
    assert energy["kwh"] == 0.5
    assert energy["co2_g"] is None
    assert energy["reason"] == "CO2 not known: codecarbon has no country 'XXX'"


@pytest.mark.parametrize("where", ["__init__", "start", "stop"])
def test_a_tracker_that_fails_stops_nothing(monkeypatch, where):
    def explode(*_, **__):
        raise RuntimeError("no counter")

    replace_tracker(monkeypatch, type("Exploding", (Tracker,), {where: explode}))
    with energy_of("DEU") as energy:
        done = True
    assert done
    assert energy["kwh"] is None
    assert energy["co2_g"] is None
    assert energy["reason"] == "not measured: codecarbon failed (RuntimeError: no counter)"


def test_a_reason_is_one_line(monkeypatch):
    def explode(*_, **__):
        raise RuntimeError("no counter\n  here: " + 1000 * "x")

    replace_tracker(monkeypatch, type("Exploding", (Tracker,), {"start": explode}))
    with energy_of("DEU") as energy:
        pass
    assert "(RuntimeError: no counter here: xx" in energy["reason"]
    assert len(energy["reason"]) < 300


def test_an_amount_that_is_not_finite_is_null(monkeypatch):
    replace_tracker(monkeypatch, type("Lost", (Tracker,), {"energy": float("nan")}))
    with energy_of("DEU") as energy:
        pass
    assert energy["kwh"] is None
    assert "nan kWh" in energy["reason"]


def test_an_exception_of_the_block_is_raised_and_the_tracker_is_stopped(monkeypatch):
    stopped = []
    replace_tracker(
        monkeypatch, type("Watched", (Tracker,), {"stop": lambda self: stopped.append(1)})
    )
    with pytest.raises(KeyError, match="work"), energy_of("DEU"):
        raise KeyError("work")
    assert stopped == [1]


@pytest.fixture
def installed():
    return pytest.importorskip("codecarbon", reason="codecarbon: pip install 'aexad[energy]'")


def test_codecarbon_measures_without_network_files_or_output(
    installed, monkeypatch, tmp_path, capfd
):
    def refused(*_):
        raise AssertionError("a connection")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODECARBON_EMISSIONS_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("CODECARBON_SAVE_TO_API", "true")
    monkeypatch.setattr(socket.socket, "connect", refused)
    with energy_of("DEU") as energy:
        busy(1.5)
    assert energy["reason"] is None
    # Between a tenth of a watt and a kilowatt.
    assert 0.1 < energy["kwh"] * 3.6e6 / 1.5 < 1000
    # Germany's grid, in grams per kWh: no year below 250 or above 650 so far.
    assert 250 < energy["co2_g"] / energy["kwh"] < 650
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("codecarbon").filters == []


def test_an_exception_that_codecarbon_swallows_is_the_reason(installed, monkeypatch):
    from codecarbon.emissions_tracker import BaseEmissionsTracker

    def explode(_):
        raise OSError("the counters may not be read")

    monkeypatch.setattr(BaseEmissionsTracker, "_ensure_hardware_ready", explode)
    with energy_of("DEU") as energy:
        pass
    assert energy["kwh"] is None
    assert "OSError: the counters may not be read" in energy["reason"]


def test_a_country_that_codecarbon_lacks_has_no_co2(installed):
    with energy_of("XXX") as energy:
        busy(0.2)
    assert energy["kwh"] > 0
    assert energy["co2_g"] is None
    assert "no country 'XXX'" in energy["reason"]
