"""What lies in the synthetic bins: products whose name, measures and looks follow from their SKU alone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import Literal

Kind = Literal["carton", "book", "retail box", "bottle", "can", "bag"]
Colour = tuple[int, int, int]

WEIGHT_OF_KIND: dict[Kind, int] = {"carton": 5, "book": 4, "retail box": 5, "bottle": 3, "can": 2, "bag": 3}
SIZE_OF_KIND: dict[Kind, tuple[tuple[float, float], tuple[float, float]]] = {
    "carton": ((2.6, 4.2), (4.0, 7.2)),
    "book": ((1.7, 3.2), (5.0, 7.4)),
    "retail box": ((2.2, 3.8), (3.6, 6.6)),
    "bottle": ((1.7, 2.4), (4.6, 7.0)),
    "can": ((2.0, 2.8), (2.8, 4.4)),
    "bag": ((3.0, 4.6), (3.2, 5.4)),
}
PRINTED: tuple[Colour, ...] = (
    (190, 40, 38), (32, 70, 150), (24, 120, 84), (226, 150, 30), (120, 50, 130), (30, 140, 170),
    (238, 236, 228), (34, 34, 40), (200, 84, 120), (120, 150, 40), (90, 96, 110), (244, 208, 70),
)  # fmt: skip
CARDBOARD: tuple[Colour, ...] = ((166, 128, 88), (150, 112, 76), (180, 144, 104), (138, 104, 74))
FILM: tuple[Colour, ...] = ((226, 226, 222), (200, 204, 206), (52, 52, 56), (176, 186, 196), (214, 200, 180))

BRANDS = ("Harbor", "Northfield", "Oakline", "Brightwell", "Pinecrest", "Kestrel", "Lumen", "Tidewater")
GOODS: dict[Kind, tuple[str, ...]] = {
    "carton": ("Oil Filter", "Replacement Pump", "Desk Lamp", "Cable Set, 6 ft"),
    "book": ("Field Guide to Birds", "Practical Bread (Paperback)", "Atlas of Rivers", "Piano for Beginners"),
    "retail box": ("Building Blocks, 120 Pieces", "Herbal Tea, 40 Bags", "Card Game", "Phone Case"),
    "bottle": ("Shampoo, 16 oz", "Vitamin C, 120 Capsules", "Dish Soap", "Body Lotion"),
    "can": ("Ground Coffee, 12 oz", "Wood Stain", "Cocoa Powder", "Tennis Balls"),
    "bag": ("Cotton Shirt, Large", "Dog Treats, 2 lb", "Wool Socks", "Fruit Gems"),
}


@dataclass(frozen=True)
class Product:
    """One article; `width` and `height` are its front side, all measures in inches, the weight in pounds."""

    asin: str
    name: str
    kind: Kind
    width: float
    height: float
    length: float
    weight: float
    colours: tuple[Colour, Colour]


@cache
def product(asin: str) -> Product:
    """The product of a SKU; the same SKU gives the same product in every bin and every run."""
    rng = random.Random(asin)
    kind = rng.choices(list(WEIGHT_OF_KIND), list(WEIGHT_OF_KIND.values()))[0]
    widths, heights = SIZE_OF_KIND[kind]
    first = rng.choice({"carton": CARDBOARD, "bag": FILM}.get(kind, PRINTED))
    second = rng.choice([colour for colour in PRINTED if colour != first])
    return Product(
        asin=asin,
        name=f"{rng.choice(BRANDS)} {rng.choice(GOODS[kind])}",
        kind=kind,
        width=rng.uniform(*widths),
        height=rng.uniform(*heights),
        length=rng.uniform(1.0, 9.0),
        weight=rng.uniform(0.1, 3.0),
        colours=(first, second),
    )


def new_asin(rng: random.Random) -> str:
    return "B0" + "".join(rng.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=8))
