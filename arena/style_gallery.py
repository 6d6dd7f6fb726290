"""Every component of the interface on one page, so that a change of style can be judged at once."""

from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from arena.models import LanguageModel

MODELS = (
    ("Athena 2", "Parthenon Labs", 1212.4, 1196.0, 1229.1),
    ("Hermes Swift", "Parthenon Labs", 1178.9, 1160.3, 1197.0),
    ("Daedalus", "Labyrinth AI", 1171.2, 1149.8, 1193.6),
    ("回声 Echo", "Nymph", 1043.0, 1019.5, 1066.2),
    ("Icarus 0.3", "Labyrinth AI", 1003.8, 941.0, 1061.1),
)
TICKS = (950, 1000, 1050, 1100, 1150, 1200)
SCALE_LOW, SCALE_HIGH = 925.0, 1245.0

MARKDOWN = r"""# A heading of the answer
Some **bold**, *italic*, ~~struck~~ and `inline code`, with [a link](https://example.org).
Chinese and English 混排的一段话：模型在 2026 年的评测中表现稳定。

1. Inline mathematics such as $e^{i\pi} + 1 = 0$, and prices like $5 or $10
2. Displayed:

$$\hat\beta = \arg\max_\beta \sum_{i=1}^{n} w_i \log \sigma\!\left(x_i^\top \beta\right)$$

\[
\begin{aligned} f(x) &= x^2 + 2x + 1 \\ &= (x+1)^2 \end{aligned}
\]

```python
@dataclass(frozen=True)
class Vote:
    '''One person's choice.'''
    outcome: str = "model_a"

    def weight(self, n: int) -> float:
        return 1.0 / n  # equal shares
```

| Method | Ties | Interval |
|:--|:-:|--:|
| Bradley–Terry | half | 12.4 |
| Davidson | own outcome | 11.9 |

> A quotation, with ![an image from elsewhere](https://example.org/a.png).
"""


@dataclass(frozen=True, slots=True)
class Tick:
    value: float
    position: float


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the sample board, its interval in percent of the shared scale."""

    model: LanguageModel
    rating: float
    lower: float
    upper: float

    @property
    def position(self) -> float:
        return _percent(self.rating)

    @property
    def left(self) -> float:
        return _percent(self.lower)

    @property
    def right(self) -> float:
        return _percent(self.upper)

    @property
    def is_provisional(self) -> bool:
        return self.upper - self.lower > 100


class SampleForm(forms.Form):
    name = forms.CharField(help_text="Shown on the board.")
    method = forms.ChoiceField(choices=[("bt", "Bradley–Terry"), ("elo", "Online Elo")])
    judges = forms.MultipleChoiceField(
        choices=[("a", "Pairwise"), ("b", "Single score")], widget=forms.CheckboxSelectMultiple
    )
    note = forms.CharField(widget=forms.Textarea, required=False)
    is_public = forms.BooleanField(required=False, label="Everyone may see it")


class SampleFilters(forms.Form):
    q = forms.CharField(label="Search", required=False, widget=forms.SearchInput)
    category = forms.ChoiceField(choices=[("", "All"), ("math", "Mathematics")], required=False)
    language = forms.ChoiceField(choices=[("", "All"), ("zh", "Chinese")], required=False)


def style_gallery(request: HttpRequest) -> HttpResponse:
    """The gallery at /style/, for developers and staff only."""
    if not (settings.DEBUG or request.user.is_staff):
        raise Http404
    messages.success(request, "The run has started.")
    messages.error(request, "The file has 3 bad rows; nothing of it was stored.")
    form = SampleForm({"method": "elo"})
    context = {
        "lines": [_line(*row) for row in MODELS],
        "ticks": [Tick(value, _percent(value)) for value in TICKS],
        "form": form,
        "filter_form": SampleFilters(),
        "page": Paginator(range(400), 20).page(7),
        "markdown": MARKDOWN,
        "charts": _charts(),
        "tabs": [
            {"href": "#1", "label": "Overview", "is_current": True},
            {"href": "#2", "label": "Answers", "count": 64},
            {"href": "#3", "label": "Battles", "count": 1280},
        ],
    }
    return render(request, "style/gallery.html", context)


def _percent(value: float) -> float:
    return 100 * (value - SCALE_LOW) / (SCALE_HIGH - SCALE_LOW)


def _line(name: str, organisation: str, rating: float, lower: float, upper: float) -> Line:
    model = LanguageModel(
        slug=name.lower().replace(" ", "-"),
        display_name=name,
        organisation=organisation,
        is_demo=name == "Daedalus",
    )
    return Line(model, rating, lower, upper)


def _charts() -> list[dict[str, object]]:
    names = [name for name, *_ in MODELS]
    shares = [[None if i == j else 0.5 + 0.1 * (j - i) for j in range(5)] for i in range(5)]
    heat = {"type": "heatmap", "x": names, "y": names, "z": shares, "zmin": 0, "zmax": 1}
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [rating for _, _, rating, _, _ in MODELS],
        "y": names,
        "error_x": {"type": "data", "array": [upper - rating for *_, rating, _, upper in MODELS]},
    }
    theta = ["Mathematics", "Coding", "Writing", "Safety", "中文", "Reasoning"]
    radar = [
        {"type": "scatterpolar", "theta": theta, "r": r, "name": name, "fill": "toself"}
        for name, r in (("Athena 2", [8, 7, 9, 8, 7, 9]), ("Icarus 0.3", [3, 5, 6, 2, 4, 3]))
    ]
    rows = [[name, f"{rating:.1f}"] for name, _, rating, _, _ in MODELS]
    twin = {"columns": ["Model", "Rating"], "rows": rows}
    diverging = {**heat, "meta": {"scale": "diverging"}, "texttemplate": "%{z:.0%}"}
    reversed_y = {"yaxis": {"autorange": "reversed"}}
    return [
        {"key": "dots", "title": "Ratings", "figure": {"data": [dots], "layout": reversed_y}}
        | twin,
        {"key": "heat", "title": "Won", "figure": {"data": [diverging], "layout": reversed_y}}
        | twin,
        {"key": "radar", "title": "Categories", "figure": {"data": radar, "layout": {}}} | twin,
    ]
