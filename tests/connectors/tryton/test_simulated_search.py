"""The simulator's indexes: whatever is asked, they lose no line that the plain search finds."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.tryton.simulated_lines import LineStore
from connectors.tryton.simulated_search import compiled

REFERENCES = [f"L{letter * 20}" for letter in "ABC"]
DESCRIPTIONS = st.sampled_from([None, "", "Lunch", *REFERENCES, *(f"{r} note" for r in REFERENCES)])
LINES = st.lists(st.tuples(DESCRIPTIONS, st.integers(1, 3), st.integers(1, 9)), max_size=12)
CLAUSES = st.one_of(
    st.tuples(
        st.just("description"), st.just("in"), st.lists(st.sampled_from(REFERENCES), max_size=3)
    ),
    st.tuples(
        st.just("description"), st.just("like"), st.sampled_from([f"{r}%" for r in REFERENCES])
    ),
    st.tuples(st.just("description"), st.just("like"), st.sampled_from(["L%", "L_______%", "%t%"])),
    st.tuples(st.just("work"), st.just("in"), st.lists(st.integers(1, 3), max_size=2)),
    st.tuples(st.just("id"), st.just("in"), st.lists(st.integers(1, 12), max_size=4)),
    st.tuples(st.just("id"), st.just(">"), st.integers(0, 12)),
    st.tuples(st.just("date"), st.sampled_from([">=", "<=", "="]), st.integers(1, 9)),
).map(list)


def _either(parts: list[Any]) -> list[Any]:
    return ["OR", *parts]


DOMAINS = st.recursive(
    CLAUSES,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3), st.lists(parts, min_size=1, max_size=3).map(_either)
    ),
    max_leaves=6,
)


def _on_wire(domain: Any) -> Any:
    match domain:
        case ["date", name, day]:
            return ["date", name, {"__class__": "date", "year": 2026, "month": 1, "day": day}]
        case list():
            return [_on_wire(part) for part in domain]
        case _:
            return domain


@given(LINES, DOMAINS, st.sets(st.integers(1, 12)))
def test_its_indexes_never_lose_a_line(
    lines: list[tuple[str | None, int, int]], domain: list[Any], removed: set[int]
) -> None:
    store = LineStore()
    for number, (description, work, day) in enumerate(lines, 1):
        store.add(
            {
                "id": number,
                "description": description,
                "work": work,
                "date": date(2026, 1, day),
            }
        )
    for number in removed & store.lines.keys():
        store.remove(number)
    wired = _on_wire([domain])
    test = compiled(wired)
    found = [line["id"] for line in store.candidates(wired) if test(line)]
    assert found == sorted(line["id"] for line in store.lines.values() if test(line))
