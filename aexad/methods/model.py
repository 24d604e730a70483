"""How a model is built from its recipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch

from aexad.config.kinds import METHODS, kind_of
from aexad.config.own_code import entry_point, is_own, library_modules, load_own, own_digest
from aexad.config.recipe import PIXELS, Recipe
from aexad.config.schema import Strict
from aexad.encoders.weights import Weights, find_weights
from aexad.methods.base import EncoderMethod, Method
from aexad.runtime.device import is_out_of_memory
from aexad.runtime.errors import AexadError, ConfigError, MethodError, one_line
from aexad.runtime.provenance import code_digest


def method_class(name: str) -> type[Method]:
    """The class of a method: of the library, of one's own, or of an installed package.

    Raises
    ------
    ConfigError
        It cannot be loaded, or is no class of methods.
    """
    if name in METHODS:
        module, _, attribute = METHODS[name].where.partition(":")
        found: Any = getattr(import_module(module), attribute)
    else:
        found = load_own(name) if is_own(name) else entry_point(name)
    if not (isinstance(found, type) and issubclass(found, Method)):
        raise ConfigError(f"'{name}' is no class derived from aexad.methods.base.Method")
    if not issubclass(found.Options, Strict):  # it would take unknown keys without a word
        raise ConfigError(f"Options of '{name}' are not derived from aexad.config.schema.Strict")
    return found


def uses_labels(recipe: Recipe) -> bool:
    """Whether a method trains on labelled defects; a class of one's own says so itself."""
    if recipe.model in METHODS:
        return recipe.uses_labels
    return method_class(recipe.model).uses_labels


def method_digest(recipe: Recipe) -> str:
    """Digest of the code that a training runs: the library's, the method's, and one's own."""
    own = recipe.own_code["train"]
    modules = [*kind_of(recipe.model).modules, *library_modules(own)]
    library = code_digest("aexad.training.train", *modules)
    return " ".join(filter(None, [library, own_digest(own), recipe.package]))


@contextmanager
def own_code_named(recipe: Recipe, doing: str) -> Iterator[None]:
    """Turn an exception of one's own code into an error that names its file.

    Raises
    ------
    MethodError
        A recipe with code of one's own failed in ``doing``, as a phrase ("it is trained").
    """
    own = [*recipe.own_code["train"], *recipe.own_code["heat_map"]]
    if not own:
        yield
        return
    try:
        yield
    except AexadError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = one_line(error, 300)
        raise MethodError(
            f"{', '.join(own)}: fails when {doing} ({type(error).__name__}: {reason}); "
            f"'aexad check-method' tries it in seconds"
        ) from error


class Model(NamedTuple):
    """A method, and what defines it.

    ``encoder`` describes the encoder: name, family, weights, source and sha256.
    """

    network: Method
    recipe: Recipe
    seed: int
    encoder: dict[str, str | None]

    @property
    def parameters(self) -> dict[str, int]:
        """Numbers of trained and of frozen parameters.

        Floating-point buffers, such as the cells of a memory, count as trained, because ``fit``
        fills them. Buffers of the encoder and of batch norms do not count.
        """
        counts = {"trained": 0, "frozen": 0}
        for parameter in self.network.parameters():
            counts["trained" if parameter.requires_grad else "frozen"] += parameter.numel()
        named = {name for name, _ in self.network.named_parameters()}
        counts["trained"] += sum(
            tensor.numel()
            for name, tensor in self.network.trained_state().items()
            if name not in named
            and tensor.is_floating_point()
            and not name.startswith("encoder.")
            and not name.endswith(("running_mean", "running_var"))
        )
        return counts

    @property
    def features(self) -> dict[str, int] | None:
        """Channels and grid (cells per side) of the encoder's features, and its input in pixels."""
        if not isinstance(self.network, EncoderMethod):
            return None
        encoder = self.network.encoder
        return {
            "channels": encoder.channels,
            "grid": encoder.grid,
            "input_size": encoder.input_size,
        }


def build_model(
    recipe: Recipe, size: int, seed: int, weights_dir: str | Path | None = None
) -> Model:
    """Build an untrained model: encoder weights as in the recipe, all others from ``seed``.

    Parameters
    ----------
    size
        Working size S in pixels.
    weights_dir
        Folder that is searched for pre-trained weights first, see ``find_weights``.
    """
    weights = None
    if recipe.encoder is not None and recipe.pretrained:
        weights = find_weights(
            recipe.encoder,
            weights_dir,
            revision=recipe.weights_revision,
            sha256=recipe.weights_sha256,
        )
    # torch initialises layers from its global generator; it is put back afterwards.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with own_code_named(recipe, "it is built"):
            network = method_class(recipe.model)(recipe, size, weights)
    return Model(network, recipe, seed, _encoder_of(network, recipe, weights))


def _encoder_of(network: Method, recipe: Recipe, weights: Weights | None) -> dict[str, str | None]:
    """Describe the encoder, for ``provenance.json`` and the header of the model file."""
    source = weights.source if weights else "random, drawn from the seed"
    if recipe.encoder in (None, PIXELS):
        source = "none: there is no encoder"
    elif is_own(recipe.encoder):
        source = f"code of the user: {recipe.encoder}"
    family = network.encoder.family if isinstance(network, EncoderMethod) else "none"
    return {
        "name": recipe.encoder,
        "family": family,
        "weights": recipe.weights,
        "source": source,
        "sha256": weights.sha256 if weights else None,
    }
