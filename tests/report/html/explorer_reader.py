"""The explorer in a browser, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs


class Reader:
    """An open page of the explorer; ``wrong`` lists its errors."""

    def __init__(self, browser: Any, index: Path, **options: Any) -> None:
        self.address = index.as_uri()
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", self._note)
        self.requests: list[str] = []

    def _failed(self, request: Any) -> None:
        # The browser cancels requests for pictures of cards that were just replaced.
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"failed: {request.url}: {request.failure}")

    def _note(self, request: Any) -> None:
        self.requests.append(request.url)
        inside = self.address.removesuffix("index.html")
        if not request.url.startswith((inside, "data:")):
            self.wrong.append(f"leaves the page: {request.url}")

    def open(self, hash_: str = "") -> Reader:
        self.page.goto(self.address + hash_)
        self.page.locator(".card").first.wait_for()
        return self

    def choose(self, **wanted: str) -> None:
        for name, value in wanted.items():
            self.page.select_option(f"select[name={name}]", value)

    def slide(self, **wanted: float) -> None:
        """Move a slider, as a drag of the mouse does."""
        for name, value in wanted.items():
            self.page.locator(f"input[name={name}]").evaluate(
                "(slider, value) => { slider.value = value;"
                " slider.dispatchEvent(new Event('input', { bubbles: true })); }",
                value,
            )

    def options(self, name: str) -> list[str]:
        return self.page.locator(f"select[name={name}] option").evaluate_all(
            "all => all.map(each => each.value)"
        )

    def names(self) -> list[str]:
        # Not the inner texts: cards far from the screen are not laid out and have none.
        return self.page.locator(".name").all_text_contents()

    def title(self) -> str:
        return self.page.locator("#viewer-title").inner_text()

    def state(self) -> dict[str, str]:
        hash_ = self.page.evaluate("location.hash.slice(1)")
        return {key: values[0] for key, values in parse_qs(hash_).items()}

    def is_open(self) -> bool:
        return self.page.locator("#viewer").is_visible()

    def focused(self) -> str:
        return self.page.evaluate(
            "document.activeElement.getAttribute('aria-label') ?? document.activeElement.id"
        )
