"""Pictures of the status page under load, for READMEs: status_page_pictures.py [FOLDER]. Takes three minutes.

Needs the test packages and pngquant, which makes the files a third as large.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from browser import chromium
from certificates import Authority
from poplar import ROOT, Poplar
from status_stand import NODES, TOKEN, USERS, StatusStand
from waiting import until

_LOAD_SECONDS = 100


def _state(browser, name: str, words: str):
    until(lambda: any(text.startswith(name) and words in text for text in browser.texts("#nodes tr")),
          f"{name} to be {words}", every=0.2)


def _unlock(browser):
    browser.find("#token summary").click()
    browser.find("#token-field").send_keys(TOKEN)
    browser.find("#token-form button[type=submit]").click()
    browser.run("document.activeElement.blur()")


def _save(browser, file: pathlib.Path, whole: bool = True):
    browser.save_picture(file, whole)
    subprocess.run(["pngquant", "--force", "--skip-if-larger", "--strip", "--output", str(file), str(file)], check=True)
    print(f"{file}: {file.stat().st_size} bytes")


def _take(stand: StatusStand, folder: pathlib.Path):
    with chromium(stand.folder) as browser, stand.proxy.connect() as reader:
        reader.log_in(USERS[0])
        browser.open_tab(stand.url)
        _unlock(browser)
        time.sleep(_LOAD_SECONDS)
        _save(browser, folder / "light.png")
        stand.nodes[NODES[2]].kill()
        _state(browser, NODES[2], "down")
        browser.find("#find-user").send_keys(USERS[0].capitalize())
        browser.find("#find button").click()
        browser.until_text("#found .answer", "in cluster main")
        browser.color_scheme("dark")
        time.sleep(20)
        browser.run("document.activeElement.blur()")
        _save(browser, folder / "dark.png")
        browser.color_scheme("light")
        browser.resize(360, 1560, 2)
        time.sleep(4)
        _save(browser, folder / "phone.png", whole=False)


def main(folder: pathlib.Path):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="poplar-pictures-") as name:
        os.chmod(name, 0o755)
        private = pathlib.Path(name)
        authority = Authority(private / "ca")
        certificate = authority.issue("node", ["localhost", "127.0.0.1"])
        with StatusStand(private / "stand", lambda nodes, **options: Poplar(private / "poplar", nodes, authority, **options),
                         authority, certificate) as stand, stand.at_work(pause=0.6):
            _take(stand, folder)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "metrics" / "status_page" / "pictures")
