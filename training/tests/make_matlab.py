"""Writes files in the layout of IMDB-WIKI, with its known faults, as SciPy writes them.

    python training/tests/make_matlab.py training/tests/data       # the fixtures in the repository
    python training/tests/make_matlab.py FOLDER --rows 460723      # a large imdb.mat, to measure with

This needs numpy and scipy from PyPI.
"""

import argparse
import datetime
import pathlib

import numpy
import scipy.io


def serial(year, month, day):
    return datetime.date(year, month, day).toordinal() + 366.0


def cells(values):
    out = numpy.empty((1, len(values)), dtype=object)
    for i, value in enumerate(values):
        out[0, i] = value
    return out


def write(path, name, rows, celebrities, compress, days=numpy.float64):
    born, taken, files, gender, score, second, who = zip(*rows)
    box = numpy.array([[1.0, 1.0, 53.5, 69.0]])
    table = {
        "dob": numpy.array([born], dtype=days),
        "photo_taken": numpy.array([taken], dtype=numpy.uint16),
        "full_path": cells([numpy.array([f]) for f in files]),
        "gender": numpy.array([gender], dtype=numpy.float64),
        "name": cells([numpy.array([w]) if w else numpy.array([], dtype="<U1") for w in who]),
        "face_location": cells([box] * len(rows)),
        "face_score": numpy.array([score], dtype=numpy.float64),
        "second_face_score": numpy.array([second], dtype=numpy.float64),
    }
    if celebrities:
        names = sorted({w for w in who if w})
        table["celeb_names"] = cells([numpy.array([w]) for w in names])
        table["celeb_id"] = numpy.array([[names.index(w) + 1 if w else 0 for w in who]], dtype=numpy.uint16)
    scipy.io.savemat(path, {name: table}, do_compression=compress)


NAN, INF = float("nan"), float("inf")

# The columns are birth, year of the photo, path, gender, score, second score and name. The comment says what becomes of
# the row.
IMDB = [
    (serial(1980, 7, 1), 2010, "01/a_1.png", 1.0, 3.5, NAN, "Fred Astaire"),  # kept, 30
    (serial(1980, 7, 2), 2010, "01/a_2.png", 1.0, 3.5, NAN, "Fred Astaire"),  # kept, 29
    (serial(1990, 1, 1), 2000, "02/b_1.png", 0.0, 1.01, NAN, "Ana Zoë"),  # kept, 10
    (serial(1990, 1, 1), 2000, "02/b_2.png", NAN, 3.0, NAN, "Ana Zoë"),  # gender
    (float(40), 2000, "02/b_3.png", 0.0, 3.0, NAN, ""),  # born in year 0
    (-500.0, 2000, "02/b_4.png", 0.0, 3.0, NAN, ""),  # before year 0
    (serial(1995, 1, 1), 2000, "02/b_5.png", 0.0, 3.0, NAN, ""),  # 5: too young
    (serial(1880, 1, 1), 2000, "02/b_6.png", 1.0, 3.0, NAN, ""),  # 120: too old
    (serial(1970, 1, 1), 2000, "02/b_7.png", 1.0, -INF, NAN, "No Face"),  # no face
    (serial(1970, 1, 1), 2000, "02/b_8.png", 1.0, 1.0, NAN, "Low Score"),  # not above 1
    (serial(1970, 1, 1), 2000, "02/b_9.png", 1.0, 3.0, 2.5, "Two Faces"),  # second face
    (serial(1960, 2, 29), 2000, "03/missing.png", 0.0, 3.0, NAN, "Gone"),  # no picture
    (serial(1960, 2, 29), 2000, "03/damaged.png", 0.0, 3.0, NAN, "Broken"),  # damaged picture
]
WIKI = [
    (serial(1950, 6, 30), 1999, "10/w_1.png", 0.0, 2.0, NAN, "Grace Hopper"),  # kept, 49
    (serial(1950, 12, 31), 1999, "10/w_2.png", 1.0, 2.0, NAN, "Alan"),  # kept, 48
]

# The published wiki.mat of January 2016 is compressed. Its days of birth are whole numbers of four bytes, and its dates
# are in the names of files.
LAYOUT = [
    (serial(1981, 5, 5), 2009, "17/10000217_1981-05-05_2009.jpg", 1.0, 4.3, NAN, "Sami Jauhojärvi"),  # kept, 28
    (serial(1948, 9, 9), 2000, "48/10000548_1948-09-09_2000.jpg", 0.0, 2.4, NAN, "Dettie Jones"),  # kept, 51
    (serial(1990, 2, 1), 2014, "12/100012_1990-02-01_2014.jpg", 1.0, -INF, NAN, "No Face"),  # no face, 24
    (serial(1965, 7, 2), 2014, "65/10001965_1965-07-02_2014.jpg", 1.0, 4.2, 3.8, "Two Faces"),  # second face
    (serial(1960, 1, 1), 2012, "16/10002116_1960-01-01_2012.jpg", NAN, 4.0, NAN, "No Gender"),  # gender, 52
    (-100, 2012, "02/10002702_0000-00-00_2012.jpg", 0.0, 3.0, NAN, "No Birth"),  # born before year 0
    (serial(2009, 8, 1), 2012, "41/10003541_2009-08-01_2012.jpg", 0.0, 3.1, NAN, "A Child"),  # 2: too young
    (serial(1850, 8, 1), 2008, "39/10004139_1850-08-01_2008.jpg", 1.0, 3.1, NAN, "A Statue"),  # 157: too old
    (serial(1970, 1, 1), 2008, "11/10004211_1970-01-01_2008.jpg", 0.0, 0.7, NAN, "Low Score"),  # not above 1
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rows", type=int)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    if args.rows:
        rows = [
            (*IMDB[i % 11][:2], f"{i % 100:02}/nm{i}_rm{i * 7}.jpg", *IMDB[i % 11][3:6], f"Person {i // 23}")
            for i in range(args.rows)
        ]
        write(args.folder / "imdb.mat", "imdb", rows, True, True)
        return
    write(args.folder / "imdb.mat", "imdb", IMDB, True, True)
    write(args.folder / "wiki.mat", "wiki", WIKI, False, False)
    (args.folder / "layout").mkdir(exist_ok=True)
    write(args.folder / "layout" / "wiki.mat", "wiki", LAYOUT, False, True, numpy.int32)


if __name__ == "__main__":
    main()
