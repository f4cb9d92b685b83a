import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from synthetic_shards import draw_bin
from torchvision import transforms

from photo_file import ImageRefused, ImageTooLarge, ImageTooSmall, read
from stocktake.model.preprocessing import Preprocessing

RED, WHITE = (200, 30, 40), (255, 255, 255)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG of a few bytes that announces any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def upright(content: bytes) -> Image.Image:
    return read(content).upright()


def assert_colour(image: Image.Image, colour: tuple[int, int, int]) -> None:
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image, dtype=int) - colour).max() <= 12


def test_colour_modes_become_rgb() -> None:
    red = Image.new("RGB", (32, 24), RED)
    assert_colour(upright(encoded(red)), RED)
    assert_colour(upright(encoded(red.quantize(4))), RED)
    assert_colour(upright(encoded(red.convert("CMYK"), "JPEG", quality=95)), RED)
    assert_colour(upright(encoded(Image.new("L", (32, 24), 90))), (90, 90, 90))
    assert_colour(upright(encoded(Image.new("1", (32, 24), 1))), WHITE)


def test_sixteen_bit_greys_keep_their_brightness() -> None:
    grey = Image.fromarray(np.full((24, 32), 0x5A80, dtype=np.uint16))
    assert_colour(upright(encoded(grey)), (0x5A, 0x5A, 0x5A))


def test_transparent_parts_become_white() -> None:
    hidden = Image.new("RGBA", (32, 24), (*RED, 0))
    assert_colour(upright(encoded(hidden)), WHITE)
    palette = Image.new("RGB", (32, 24), RED).quantize(2)
    assert_colour(upright(encoded(palette, transparency=palette.getpixel((0, 0)))), WHITE)


def test_the_exif_orientation_is_applied() -> None:
    picture = Image.open(io.BytesIO(draw_bin(2, seed=1))).resize((48, 32))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned: to be shown, rotate by 90 degrees clockwise
    assert np.array_equal(np.asarray(upright(encoded(picture.rotate(90, expand=True), exif=exif))), np.asarray(picture))


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (10_000, 10_000), (50_001, 1000)])
def test_a_decompression_bomb_is_refused_by_its_header(width: int, height: int) -> None:
    with pytest.raises(ImageTooLarge, match="too many pixels"):
        upright(png_header(width, height))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (20_000, 20_000)])
def test_pillows_own_limit_adds_no_warning(width: int, height: int) -> None:
    with pytest.raises(ImageTooLarge):
        upright(png_header(width, height))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (15, 400), (400, 15)])
def test_too_few_pixels_are_refused(width: int, height: int) -> None:
    with pytest.raises(ImageTooSmall, match=f"{width} x {height}"):
        upright(encoded(Image.new("RGB", (width, height))))


@pytest.mark.parametrize("data", [b"", b"some text", encoded(Image.new("RGB", (32, 32)), "GIF")])
def test_what_is_no_jpeg_or_png_is_refused(data: bytes) -> None:
    with pytest.raises(ImageRefused, match="not a JPEG or PNG"):
        upright(data)


@given(st.data())
def test_damaged_files_are_decoded_or_refused_and_nothing_else(data: st.DataObject) -> None:
    png = encoded(Image.open(io.BytesIO(draw_bin(3, seed=2))))
    file = bytearray(data.draw(st.sampled_from([draw_bin(3, seed=2), png])))
    for position in data.draw(st.lists(st.integers(0, len(file) - 1), max_size=8)):
        file[position] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(file)))
    try:
        image = upright(bytes(file[:length]))
    except ImageRefused:
        return
    assert image.mode == "RGB"


def test_a_truncated_jpeg_is_refused() -> None:
    jpeg = draw_bin(3, seed=2)
    with pytest.raises(ImageRefused, match="damaged or incomplete"):
        upright(jpeg[: len(jpeg) // 2])


def test_the_whole_bin_is_squashed_to_a_square_without_a_crop() -> None:
    # given a wide picture with one colour at each end
    picture = Image.new("RGB", (200, 50), WHITE)
    picture.paste(RED, (0, 0, 40, 50))
    picture.paste((0, 0, 255), (160, 0, 200, 50))
    pixels = Preprocessing(40).pixels(encoded(picture))
    # then both ends are still there, at the same share of the width
    assert pixels.shape == (3, 40, 40)
    assert pixels.dtype == torch.uint8
    assert tuple(pixels[:, 20, 2].tolist()) == RED
    assert tuple(pixels[:, 20, 37].tolist()) == (0, 0, 255)


def test_shrinking_antialiases() -> None:
    lines = Image.fromarray(np.tile(np.array([0, 255], dtype=np.uint8), (64, 32))).convert("RGB")
    pixels = Preprocessing(32).pixels(encoded(lines))
    assert pixels[:, :, 2:-2].float().std() < 30


def test_normalised_pixels_have_imagenets_mean_and_spread() -> None:
    mean = torch.tensor([0.485, 0.456, 0.406]).mul(255).round().to(torch.uint8)
    pixels = mean.view(1, 3, 1, 1).expand(2, 3, 4, 4)
    assert Preprocessing(4).normalise(pixels).abs().max() < 0.02
    assert Preprocessing(4).normalise(torch.full((1, 3, 4, 4), 255, dtype=torch.uint8))[0, 0, 0, 0] == (
        pytest.approx((1 - 0.485) / 0.229, abs=1e-6)
    )


@pytest.mark.parametrize("size", [(40, 40), (57, 43), (40, 57)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_networks_input_is_what_torchvisions_transforms_give(size: tuple[int, int], mirrored: bool) -> None:
    # given a photo of the network's size and one of another
    picture = upright(draw_bin(3, seed=4)).resize(size)
    ours = Preprocessing(40)
    # when
    pixels = ours.pixels(encoded(picture))
    pixels = pixels.flip(-1) if mirrored else pixels
    [normalised] = ours.normalise(pixels.unsqueeze(0))
    # then
    steps = [
        transforms.Resize((40, 40)),
        transforms.RandomHorizontalFlip(float(mirrored)),
        transforms.ToTensor(),
        transforms.Normalize(ours.mean, ours.std),
    ]
    assert torch.equal(normalised, transforms.Compose(steps)(picture))


@pytest.mark.parametrize("images", [0, 1, 3])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_normalising_gives_channels_last_whatever_comes(images: int, layout: torch.memory_format) -> None:
    pixels = torch.arange(images * 3 * 6 * 5).remainder(256).to(torch.uint8).view(images, 3, 6, 5)
    before = pixels.clone()
    normalised = Preprocessing(6).normalise(pixels.contiguous(memory_format=layout))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (Preprocessing(6).mean, Preprocessing(6).std))
    assert torch.equal(normalised, (before / 255 - mean) / std)
    assert normalised.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(pixels, before)


def test_what_images_are_normalised_by_is_put_on_a_device_once() -> None:
    """Each tensor made of numbers is a copy to the GPU, which waits for it."""
    made: list[object] = []

    class Watched(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.tensor:
                made.append(args)
            return func(*args, **(kwargs or {}))

    preprocessing = Preprocessing(34, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    pixels = torch.randint(256, (2, 3, 34, 34), dtype=torch.uint8)
    # when the first batch is normalised without gradients, and two more with them
    with Watched():
        with torch.inference_mode():
            first = preprocessing.normalise(pixels)
        second, third = preprocessing.normalise(pixels), preprocessing.normalise(pixels[:1])
    # then
    assert len(made) == 2
    wanted = (pixels / 255 - torch.tensor([0.1, 0.2, 0.3])[:, None, None]) / torch.tensor([0.5, 0.6, 0.7])[
        :, None, None
    ]
    for normalised in (first, second):
        assert torch.allclose(normalised, wanted, atol=1e-6)
    assert torch.equal(third, second[:1])
    # and a network can learn from them
    torch.nn.Conv2d(3, 1, 3)(second).sum().backward()
