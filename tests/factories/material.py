"""Makers of what people hand in: photographs, scans, videos, documents; small, and made here so that nothing is borrowed."""

import io
import struct
import zlib
from typing import Any

import av
import numpy as np
import PIL.Image
import pypdfium2

#: What a phone writes into a photograph, and nobody should find in an archive.
PLACE = b"+48.8566+002.3522"


def colours(rows: int = 48, columns: int = 64) -> PIL.Image.Image:
    """A picture with a red corner at the top left."""
    samples = np.zeros((rows, columns, 3), np.uint8)
    samples[..., 1] = np.linspace(0, 200, columns, dtype=np.uint8)
    samples[: rows // 3, : columns // 3] = (250, 10, 10)
    return PIL.Image.fromarray(samples)


def greys(rows: int = 48, columns: int = 64, *, first: int = 0) -> PIL.Image.Image:
    """A 16-bit picture in which every pixel differs."""
    return PIL.Image.fromarray((np.arange(rows * columns).reshape(rows, columns) * 19 + first).astype(np.uint16))


def file(image: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def phone_photo(*, orientation: int = 1, **options: Any) -> bytes:
    """A JPEG with the details that phones write: orientation, maker, place."""
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Somebody's phone"
    exif.get_ifd(0x8825)[29] = PLACE.decode()
    exif[0x010E] = PLACE.decode()
    return file(colours(), "JPEG", quality=90, exif=exif, comment=PLACE, **options) + b"<script>alert(1)</script>"


def huge_png(side: int = 100_000) -> bytes:
    """A few bytes that claim a picture of ten billion pixels."""
    header = b"IHDR" + struct.pack(">LLBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">L", 13) + header + struct.pack(">L", zlib.crc32(header)) + b"\0\1\0\0IDAT"
    )


def pages(*images: PIL.Image.Image, dpi: int = 0) -> bytes:
    """A TIFF of several pages."""
    first, *others = images
    options: dict[str, Any] = {"dpi": (dpi, dpi)} if dpi else {}
    return file(first, "TIFF", save_all=True, append_images=others, **options)


def video(
    codec: str = "libx264",
    kind: str = "mp4",
    *,
    frames: int = 12,
    size: tuple[int, int] = (96, 64),
    rotation: int = 0,
    sound: bool = False,
    pixels: str = "yuv420p",
) -> bytes:
    """A video of a red corner on green; with `rotation`, held upright by its container only."""
    out = io.BytesIO()
    picture = av.VideoFrame.from_image(colours(size[1], size[0]))
    with av.open(out, "w", format=kind) as container:
        container.metadata["location"] = PLACE.decode()
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        if codec == "libx265":
            stream.options = {"x265-params": "log-level=none"}
        if rotation:
            stream.set_display_rotation(rotation)
        voice: Any = container.add_stream("aac", rate=44100, layout="mono") if sound else None
        for _number in range(frames):
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
        if voice is not None:
            heard = av.AudioFrame.from_ndarray(np.zeros((1, 20480), np.float32), format="fltp", layout="mono")
            heard.sample_rate = 44100
            container.mux(voice.encode(heard))
            container.mux(voice.encode())
    return out.getvalue()


def pdf(*, pages: int = 1) -> bytes:
    """A PDF of empty pages."""
    out = io.BytesIO()
    document = pypdfium2.PdfDocument.new()
    for _number in range(pages):
        document.new_page(200, 300).close()
    document.save(out)
    document.close()
    return out.getvalue()


def scripted_pdf() -> bytes:
    """A PDF that would run a script when it is opened."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Names << /JavaScript << /Names [(a) 4 0 R] >> >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 300] >>",
        b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>",
    ]
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def cda(*, title: str = "Consultation letter") -> bytes:
    """A CDA document with a title and an identifier."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3">'
        f'<id root="1.2.250.1.99" extension="D42"/><title>{title}</title></ClinicalDocument>'
    ).encode()
