"""The defaults of recipes, which the digests of trainings do not hold."""

from aexad.config.kinds import METHODS
from aexad.config.recipe import SMALLEST_DISTANCE_TO_TARGET, Recipe

DEFAULTS = {
    "model": "aexad",
    "options": {},
    "encoder": "resnet18.tv_in1k",
    "weights": "pretrained",
    "weights_revision": None,
    "weights_sha256": None,
    "tuning": "frozen",
    "features": None,
    "input_size": None,
    "facet": "output",
    "token_norm": False,
    "token_shifts": 1,
    "feature_channels": None,
    "projection": "auto",
    "loss": "aexad",
    "target": "two",
    "reduction": "sum",
    "augmentation": "none",
    "select": "last",
    "optimiser": {
        "name": "adam",
        "learning_rate": 0.001,
        "encoder_learning_rate": None,
        "weight_decay": 0.0001,
        "schedule": "constant",
        "final_learning_rate": 1e-06,
        "gradient_clip": None,
    },
    "precision": "fp32",
    "epochs": 200,
    "least_updates": 0,
    "gentle_start": 0,
    "on_collapse": "restart",
    "batch_size": 16,
    "anomalous_share": 0.3333333333333333,
    "heat_map": {
        "normalise": "target",
        "target": "two",
        "filter": "adaptive",
        "sigma": 4.0,
        "extent": "components",
        "score": "norm",
    },
}
PROBE = {"head": "mlp"}
OPTIONS = {
    "aexad": {},
    "aexad_probe": PROBE,
    "anovit": {},
    "l2_cae": {},
    "pixel_probe": PROBE,
    "two_bank": {},
    "patchcore": {"coreset": 0.1, "neighbours": 9},
    "padim": {"channels": 100},
    "fcdd": {"sigma": 12},
    "bgad": {
        "blocks": 8,
        "clamp": 1.9,
        "position_channels": 128,
        "quantile": 0.01,
        "margin": 0.1,
        "normal_phase": 0.04,
    },
    "supersimplenet": {"noise": 0.015, "noise_from": 0.6, "margin": 0.5, "gamma": 4},
}


def test_no_default_changes():
    """Trainings are told apart by the keys that differ from these (Recipe.stated_training).

    A changed default would leave models of the old one in place without a word: give the key
    another name instead. A new key is entered here; at its default it trains nothing again.
    """
    assert Recipe(encoder="resnet18.tv_in1k").model_dump(exclude={"title"}) == DEFAULTS
    assert SMALLEST_DISTANCE_TO_TARGET == 0.1


def test_no_default_of_an_option_changes():
    """They are told apart as the keys of recipes are; see above."""
    assert {name: kind.options().model_dump() for name, kind in METHODS.items()} == OPTIONS
