"""One process, one crypto library: BoringSSL and OpenSSL must never meet in it."""

import pathlib
import subprocess

import pytest


@pytest.fixture(scope="module")
def libraries(binary):
    done = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True)
    assert "not found" not in done.stdout, done.stdout
    return done.stdout


@pytest.mark.parametrize("library", ["libssl.so.3", "libcrypto.so.3", "libssl.so.1",
                                     "libcrypto.so.1"])
def test_openssl_is_not_linked(library, libraries):
    assert library not in libraries


def test_openssl_is_not_loaded_while_it_runs(shared_proxy):
    maps = pathlib.Path(f"/proc/{shared_proxy.child.pid}/maps").read_text()
    assert "libssl.so.3" not in maps and "libcrypto.so.3" not in maps


def test_the_check_can_fail():
    """A program that does link OpenSSL is seen as such."""
    done = subprocess.run(["ldd", "/usr/bin/openssl"], capture_output=True, text=True, check=True)
    assert "libcrypto.so.3" in done.stdout
