"""Files: how they are named, and that none is damaged."""

import os
import shutil
import subprocess
from pathlib import Path

import png
import wine
from place import names, painted, refused


def test_names_with_spaces_umlauts_and_slashes_of_both_kinds(place):
    folder = place.folder("Öl & Farbe (é)")
    pictures = ("../Foto ä.png", "..\\Bild ß.jpg")
    said = place.paint("Bild 東京.png", "--report", "Bericht ü.json", "--plot", ".\\Verlauf ü.svg", pictures=pictures, folder=folder)
    painted(said, folder / "Bild 東京.png")
    assert names(folder) == ["Bericht ü.json", "Bild 東京.png", "Verlauf ü.svg"]
    said = place.impasto("--resume", "Bericht ü.json", "-o", "weiter.png", "--iterations", "2", "--quiet", folder=folder)
    painted(said, folder / "weiter.png")


def test_paths_of_more_than_260_characters(place):
    folder = place.folder("tief")
    deep = folder.joinpath(*["Ordner mit einem langen Namen " + str(n) for n in range(10)])
    os.makedirs(deep)
    photo = deep / "ein Foto mit einem langen Namen.png"
    shutil.copy(place.photo, photo)
    out, report = deep / "ein Ergebnis.png", deep / "ein Bericht.json"
    assert len(wine.path(out)) > 330
    pictures = (wine.path(photo), wine.path(place.style))
    for _ in "new", "over it":
        painted(place.paint(wine.path(out), "--report", wine.path(report), pictures=pictures), out)
        assert names(deep) == ["ein Bericht.json", "ein Ergebnis.png", photo.name]
    said = place.impasto("--resume", wine.path(report), "-o", wine.path(deep / "b.png"), "--iterations", "2", "--quiet")
    painted(said, deep / "b.png")


def test_no_file_that_is_read_is_written_over_however_it_is_spelt(place):
    folder = place.folder("gleich")
    shutil.copy(place.photo, folder / "Foto.png")
    os.link(folder / "Foto.png", folder / "zweiter Name.png")
    before = (folder / "Foto.png").read_bytes()
    pictures = ("Foto.png", wine.path(place.style))
    for out in "foto.PNG", ".\\Foto.png", "..\\gleich\\Foto.png", "zweiter Name.png":
        refused(place.paint(out, pictures=pictures, folder=folder), 2, "is one of the files that are read")
    for out in "Foto.png.", "Foto.png ", "Foto.png...":
        said = place.paint(out, "--format", "png", pictures=pictures, folder=folder)
        assert said.code in (2, 6), said
    refused(place.paint("neu.png", "--plot", "NEU.png", pictures=pictures, folder=folder), 2, "two outputs")
    assert (folder / "Foto.png").read_bytes() == before
    assert names(folder) == ["Foto.png", "zweiter Name.png"]


def test_names_of_devices_are_refused_and_nul_takes_anything(place):
    folder = place.folder("geräte")
    for name in "con.png", "AUX.png", "com1.png", "lpt9.tar.png", "nul.png":
        refused(place.paint(name, folder=folder), 6, name, "device in Windows")
    refused(place.paint("bild.png:strom.png", folder=folder), 6, "colon")
    said = place.paint("NUL", "--format", "png", folder=folder)
    assert said.code == 0, said
    assert names(folder) == []


def test_a_file_that_is_replaced_stays_hidden_and_a_protected_one_is_refused(place):
    folder = place.folder("ersetzt")
    out = folder / "out.png"
    out.write_bytes(b"old")
    assert wine.run("attrib.exe", "+H", wine.path(out)).code == 0
    painted(place.paint(wine.path(out)), out)
    told = wine.run("attrib.exe", wine.path(out)).out
    assert "H" in told.split("Z:")[0], told
    os.chmod(out, 0o444)
    before = out.read_bytes()
    refused(place.paint(wine.path(out)), 6, "write-protected")
    assert out.read_bytes() == before and names(folder) == ["out.png"]


def test_a_full_disk_is_an_error_and_leaves_nothing(place):
    disk = Path("/tmp/disk")
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], check=True)
    wine.drive("f", disk)
    for there in None, b"what was there":
        if there:
            (disk / "out.png").write_bytes(there)
        said = place.paint("F:\\out.png", "--size", "128")
        refused(said, 6, "F:\\out.png", "is kept in C:\\")
        assert png.read(wine.place(said.error.split("is kept in ")[1].strip()))[0] == 128
        assert names(disk) == (["out.png"] if there else [])
        assert not there or (disk / "out.png").read_bytes() == there
