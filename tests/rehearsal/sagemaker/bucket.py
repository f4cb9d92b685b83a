"""The bucket that jobs and endpoints of these tests read and write."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from typing import Any

NAME = "data"


class Bucket:
    """The tests' bucket, with the few operations that they need."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def put(self, key: str, body: bytes | str) -> str:
        """Store an object; its URI."""
        self._s3.put_object(Bucket=NAME, Key=key, Body=body)
        return f"s3://{NAME}/{key}"

    def put_archive(self, key: str, files: Mapping[str, str]) -> str:
        """Store a tar.gz of the files; its URI."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for name, text in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        return self.put(key, buffer.getvalue())

    def keys(self, prefix: str = "") -> list[str]:
        """The keys under a prefix."""
        answer = self._s3.list_objects_v2(Bucket=NAME, Prefix=prefix)
        return [entry["Key"] for entry in answer.get("Contents", [])]

    def text(self, key: str) -> str:
        """An object's text."""
        return str(self._s3.get_object(Bucket=NAME, Key=key)["Body"].read().decode())

    def archive(self, key: str) -> dict[str, str]:
        """The files of a tar.gz object."""
        body = self._s3.get_object(Bucket=NAME, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
            return {name: file.read().decode() for name, file in files.items() if file}

    def clear(self) -> None:
        """Remove everything."""
        for key in self.keys():
            self._s3.delete_object(Bucket=NAME, Key=key)
