//! Tests the way from raw data sets to manifests, parts and pages.

mod common;

use std::path::Path;

use common::{face_train, fails, ok, picture};

fn write(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("written");
}

fn mat(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn column(folder: &Path, manifest: &str, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(manifest)).expect("a manifest");
    let (_, table) = text.split_once('\n').expect("a comment");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let at = reader.headers().expect("headers").iter().position(|h| h == name).expect("a column");
    reader.records().map(|r| r.expect("a row")[at].to_owned()).collect()
}

#[test]
fn imdb_wiki_with_its_traps() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let kept = ["01/a_1", "01/a_2", "02/b_1", "10/w_1", "10/w_2"];
    for (i, name) in kept.iter().enumerate() {
        picture(&here.join(format!("images/{name}.png")), i as u32 * 17, i % 2 == 0);
    }
    write(&here.join("images/03/damaged.png"), "no picture");
    let ingest = format!(
        "ingest imdb-wiki --mat {} {} --images images --out faces.csv --funnel funnel.json --distance 0",
        mat("imdb.mat"),
        mat("wiki.mat")
    );
    ok(here, &ingest);
    let paths: Vec<String> = kept.iter().map(|name| format!("{name}.png")).collect();
    assert_eq!(column(here, "faces.csv", "path"), paths);
    assert_eq!(column(here, "faces.csv", "age"), ["30.0", "29.0", "10.0", "49.0", "48.0"]);
    assert_eq!(column(here, "faces.csv", "gender"), ["male", "male", "female", "female", "male"]);
    assert_eq!(column(here, "faces.csv", "person")[2], "Ana Zoë");
    assert_eq!(column(here, "faces.csv", "source")[3], "wiki");
    let funnel = std::fs::read_to_string(here.join("funnel.json")).expect("a funnel");
    let funnel: serde_json::Value = serde_json::from_str(&funnel).expect("JSON");
    let dropped: Vec<(String, u64)> = funnel["dropped"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|rule| {
            let count: u64 = ["male", "female", "unknown"]
                .iter()
                .map(|gender| rule[1][gender].as_u64().expect("a number"))
                .sum();
            (rule[0].as_str().expect("a name").to_owned(), count)
        })
        .collect();
    let expected = [
        ("gender neither 0 nor 1", 1),
        ("date of birth or photo impossible", 2),
        ("age out of range", 2),
        ("face score too low", 2),
        ("second face", 1),
        ("picture missing", 1),
        ("picture damaged", 1),
    ]
    .map(|(name, count)| (name.to_owned(), count));
    assert_eq!(dropped, expected);
    assert_eq!(funnel["rows"]["male"].as_u64(), Some(7));

    // The filters are looser, and the whole pictures are used.
    ok(
        here,
        &format!(
            "ingest imdb-wiki --mat {} --images images --out all.csv --min-age 0 --max-age 150 --min-face-score 0.5 \
             --allow-second-face --whole-pictures --trust",
            mat("imdb.mat")
        ),
    );
    assert_eq!(column(here, "all.csv", "path").len(), 9);
    assert_eq!(column(here, "all.csv", "box_w")[0], "52.5");

    // A face without a box is searched. In a photograph the search finds the place of the portrait's face.
    let portrait = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/images/eileen_collins.png");
    write(&here.join("own/portrait.png"), std::fs::read(portrait).expect("the portrait"));
    write(&here.join("own.csv"), "file,age,gender\nportrait.png,42,female\n");
    let out = ok(here, "ingest table --table own.csv --images own --out found.csv");
    assert!(out.contains("1 of 1 faces without a box were found"), "{out}");
    let number = |name: &str| column(here, "found.csv", name)[0].parse::<f32>().expect(name);
    assert!((number("box_x") + number("box_w") / 2.0 - 226.0).abs() < 15.0);
    assert!((number("box_y") + number("box_h") / 2.0 - 116.0).abs() < 20.0);
    assert!(number("eye_left_x") < number("nose_x") && number("nose_x") < number("eye_right_x"));
    ok(here, "ingest table --table own.csv --images own --out bare.csv --no-search");
    assert_eq!(column(here, "bare.csv", "box_x"), [""]);
    write(
        &here.join("boxed.csv"),
        "file,age,gender,box_x,box_y,box_w,box_h\nportrait.png,42,female,1,2,3,4\n",
    );
    ok(here, "ingest table --table boxed.csv --images own --out boxed-manifest.csv");
    assert_eq!(column(here, "boxed-manifest.csv", "box_w"), ["3.0"]);
    ok(here, "ingest table --table boxed.csv --images own --out whole.csv --whole");
    assert_eq!(column(here, "whole.csv", "box_w"), [""]);

    // Of two rows of one picture, the one with a box keeps it, and the other is searched.
    let rows = ["portrait.png,42,female,1,2,3,4\n", "portrait.png,42,female,,,,\n"];
    for (first, second) in [(0, 1), (1, 0)] {
        let head = "file,age,gender,box_x,box_y,box_w,box_h\n";
        write(&here.join("two.csv"), format!("{head}{}{}", rows[first], rows[second]));
        let out = ok(here, "ingest table --table two.csv --images own --out two-manifest.csv");
        assert!(out.contains("1 of 1 faces without a box were found"), "{out}");
        let widths = column(here, "two-manifest.csv", "box_w");
        assert_eq!(widths[first], "3.0");
        assert!(widths[second].parse::<f32>().expect("a width") > 50.0, "{widths:?}");
    }

    // Makes a page of the manifest, and its parts.
    ok(here, "split faces.csv --out parted.csv");
    let parts = column(here, "parted.csv", "split");
    let of = |name: &str| parts.iter().filter(|part| *part == name).count();
    // The generated pictures are similar, and a group is never parted.
    let groups = column(here, "parted.csv", "group");
    assert_eq!(of("train") + of("test"), 5, "{parts:?}");
    for (i, group) in groups.iter().enumerate().filter(|(_, group)| !group.is_empty()) {
        let mut same = (0..5).filter(|j| groups[*j] == *group);
        assert!(same.all(|j| parts[j] == parts[i]), "{groups:?} {parts:?}");
    }
    ok(here, "explore parted.csv --root images --out faces.html --funnel funnel.json");
    let page = std::fs::read_to_string(here.join("faces.html")).expect("a page");
    assert!(page.matches("<svg").count() >= 5, "{}", page.matches("<svg").count());
    assert!(page.contains("data:image/jpeg;base64,") && page.contains("second face"));
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));

    write(&here.join("bad.mat"), b"MATLAB 5.0 MAT-file, but short");
    let error = fails(here, "ingest imdb-wiki --mat bad.mat --images images --out bad.csv");
    assert!(error.contains("bad.mat"), "{error}");
    let mut cut = std::fs::read(mat("wiki.mat")).expect("a fixture");
    cut.truncate(cut.len() / 2);
    write(&here.join("cut.mat"), cut);
    let error = fails(here, "ingest imdb-wiki --mat cut.mat --images images --out bad.csv");
    assert!(error.contains("cut short"), "{error}");
    assert!(!here.join("bad.csv").exists());
}

#[test]
fn utkface_with_odd_names_duplicates_and_exclusions() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    for (i, name) in ["25_0_2_1", "61_1_2", "9_1_0_3", "30_1_1_4"].iter().enumerate() {
        picture(&here.join(format!("utk/{name}.jpg.chip.jpg")), i as u32 * 23, i % 2 == 0);
    }
    // This is a copy with another label.
    std::fs::copy(here.join("utk/25_0_2_1.jpg.chip.jpg"), here.join("utk/52_0_2_9.jpg.chip.jpg"))
        .expect("a copy");
    write(&here.join("utk/53__0_2017.jpg"), "mangled name");
    write(&here.join("utk/20_1_1_bad.jpg"), "damaged");
    write(&here.join("out.txt"), "# by hand\n30_1_1_4.jpg.chip.jpg\nutk/9_1_0_3.jpg.chip.jpg\n");
    let out = said(
        here,
        "ingest utkface --images utk --out utk.csv --prefix utk --exclude out.txt --distance 0 --funnel f.json",
    );
    assert!(out.contains("1 names without a race"), "{out}");
    assert!(
        out.contains("1 of 2 lines name no picture") && out.contains(": utk/9_1_0_3.jpg.chip.jpg"),
        "{out}"
    );
    assert!(out.contains("1 near-duplicates have contradicting labels"), "{out}");
    let named = "contradicting: 25_0_2_1.jpg.chip.jpg has \"25 male\", and 52_0_2_9.jpg.chip.jpg has \"52 male\"";
    assert!(out.contains(named), "{out}");
    let paths = column(here, "utk.csv", "path");
    assert_eq!(paths.len(), 4, "{paths:?}");
    assert!(paths.iter().all(|path| path.starts_with("utk/")));
    let groups = column(here, "utk.csv", "group");
    let at =
        |name: &str| groups[paths.iter().position(|p| p.contains(name)).expect("a row")].clone();
    assert!(!at("25_0_2_1").is_empty());
    assert_eq!(at("25_0_2_1"), at("52_0_2_9"));
}

#[test]
fn copies_of_test_faces_are_not_trained_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    for (i, name) in ["a", "b", "c", "d"].iter().enumerate() {
        picture(&here.join(format!("in/{name}.png")), i as u32 * 31, i % 2 == 0);
    }
    for (from, to) in [("a", "a2"), ("b", "b2"), ("c", "c2")] {
        std::fs::copy(here.join(format!("in/{from}.png")), here.join(format!("in/{to}.png")))
            .expect("a copy");
    }
    write(
        &here.join("table.csv"),
        "path,age,gender,split,weight\na.png,20,f,test,1\na2.png,20,f,train,1\nb.png,30,m,val,1\nb2.png,30,m,test,1\n\
         c.png,40,f,train,1\nc2.png,40,f,train,1\nd.png,50,m,train,-1\n",
    );
    let out = said(here, "ingest table --table table.csv --images in --distance 0 --out out.csv");
    assert_eq!(column(here, "out.csv", "path"), ["a.png", "b2.png", "c.png", "c2.png"]);
    assert_eq!(dropped(&out, "a near-duplicate is in val or test"), 2);
    assert_eq!(dropped(&out, "unreadable number"), 1);
}

#[test]
fn fairface_folders_and_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    for (i, name) in ["train/1", "train/2", "val/1"].iter().enumerate() {
        picture(&here.join(format!("ff/{name}.jpg")), i as u32 * 31, i % 2 == 0);
    }
    let table = "file,age,gender,race,service_test\ntrain/1.jpg,50-59,Male,East Asian,True\n\
                 train/2.jpg,more than 70,Female,Latino_Hispanic,False\nval/1.jpg,3-9,Female,Black,True\n\
                 train/3.jpg,who knows,Female,Black,True\n";
    write(&here.join("labels.csv"), table);
    ok(here, "ingest fairface --labels labels.csv --images ff --out ff.csv");
    assert_eq!(column(here, "ff.csv", "age_min"), ["50.0", "70.0", "3.0"]);
    assert_eq!(column(here, "ff.csv", "age_max"), ["59.0", "100.0", "9.0"]);
    assert_eq!(column(here, "ff.csv", "split"), ["train", "train", "test"]);
    assert_eq!(column(here, "ff.csv", "race")[1], "latino hispanic");

    picture(&here.join("own/female/34/anna.png"), 34, false);
    picture(&here.join("own/20-29/men/bob.png"), 25, true);
    picture(&here.join("own/else.png"), 1, true);
    let out = ok(here, "ingest folder --images own --out own.csv");
    assert_eq!(column(here, "own.csv", "gender"), ["male", "female"]);
    assert_eq!(column(here, "own.csv", "age"), ["", "34.0"]);
    assert!(out.contains("folders taken for genders: female, men\n"), "{out}");
    assert!(out.contains("folders taken for ages: 20-29, 34\n"), "{out}");

    // Folders that are parts named by a hash: only the numbers can be taken for labels, and the output says so.
    for part in ["f", "c", "7"] {
        picture(&here.join(format!("parts/{part}/{part}.png")), 1, true);
    }
    let out = ok(here, "ingest folder --images parts --out parts.csv");
    assert_eq!(column(here, "parts.csv", "gender"), [""]);
    assert!(out.contains("folders taken for genders: none\n"), "{out}");
    assert!(out.contains("folders taken for ages: 7\n"), "{out}");
    assert!(out.contains("folders called f and m are not taken for genders"), "{out}");

    write(
        &here.join("table.csv"),
        "file,age,gender\nfemale/34/anna.png,34,F\nx.png,NaN,M\ny.png,,\n",
    );
    ok(here, "ingest csv --table table.csv --images own --out csv.csv");
    assert_eq!(column(here, "csv.csv", "gender"), ["female"]);
    write(&here.join("none.csv"), "age\n3\n");
    assert!(
        fails(here, "ingest table --table none.csv --images own --out x.csv").contains("neither")
    );
    assert_eq!(face_train(here, "ingest table").status.code(), Some(2));
    let out = ok(here, "loader --manifest ff.csv --root ff");
    assert!(out.contains("3 of 3 pictures"), "{out}");
}

/// Returns the output of an ingest on both streams.
fn said(here: &Path, arguments: &str) -> String {
    let output = face_train(here, arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "face-train {arguments}\n{said}");
    said
}

/// Returns how many rows `rule` dropped, as the funnel states it.
fn dropped(said: &str, rule: &str) -> usize {
    let line = said.lines().find(|line| line.starts_with(&format!("- {rule}"))).expect(rule);
    line.split_whitespace().rev().nth(3).and_then(|n| n.parse().ok()).expect("four numbers")
}

#[test]
fn tables_as_people_write_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let table = |name: &str, text: &str| write(&here.join(name), text);
    let ingest = |name: &str, more: &str| {
        said(here, &format!("ingest table --table {name} --out out.csv {more}"))
    };
    let of = |name: &str| column(here, "out.csv", name);

    // A bracket whose first year is above its last is left out and counted. The others are used.
    table(
        "inv.csv",
        "path,age_min,age_max,gender\np0.jpg,40,30,male\np1.jpg,20,29,female\np2.jpg,20,29,female\np3.jpg,40,30,male\n\
         p4.jpg,-5,3,male\np5.jpg,110,120,male\n",
    );
    let out = ingest("inv.csv", "");
    assert_eq!(dropped(&out, "bracket with its first year above its last"), 2);
    assert_eq!(dropped(&out, "bracket not within 0 to 100"), 2);
    assert_eq!(of("path"), ["p1.jpg", "p2.jpg"]);
    assert_eq!(of("source"), ["inv", "inv"]);

    // A bracket with one end is open at the other.
    table(
        "minmax.csv",
        "path,age_min,age_max,gender\np0.jpg,20,29,male\np2.jpg,70,,female\np3.jpg,,2,male\n",
    );
    let out = ingest("minmax.csv", "");
    assert!(out.contains("2 brackets with one end"), "{out}");
    assert_eq!(of("age_min"), ["20.0", "70.0", "0.0"]);
    assert_eq!(of("age_max"), ["29.0", "100.0", "2.0"]);

    // The file has spaces and capitals in names, columns without a meaning, and a byte order mark.
    table("space.csv", "\u{feff}Path, AGE ,Sex,Mood\np0.jpg,34,Male,fine\np1.jpg,20,W,fine\n");
    let out = ingest("space.csv", "--female W");
    assert!(out.contains("these columns have no meaning here: mood"), "{out}");
    assert_eq!(of("age"), ["34.0", "20.0"]);
    assert_eq!(of("gender"), ["male", "female"]);

    // The file has other separators, decimals with a comma, backslashes, numbers for genders, and other names of parts.
    table(
        "semi.csv",
        "file;age;gender;split\na\\p0.jpg;34,5;1;Training\na\\p1.jpg;20;0;valid\nb/p2.jpg;70+;0;fold2\n",
    );
    let out = ingest("semi.csv", "");
    assert!(
        out.contains("separated by ';'") && out.contains("the backslashes of 2 paths"),
        "{out}"
    );
    assert!(out.contains("\"0\" 2 times, \"1\" 1 times") && out.contains("--male"), "{out}");
    assert!(
        out.contains("these parts are not understood, and are left empty: \"fold2\" 1 times"),
        "{out}"
    );
    assert_eq!(of("path"), ["a/p0.jpg", "a/p1.jpg", "b/p2.jpg"]);
    assert_eq!(of("age"), ["34.0", "20.0", ""]);
    assert!(out.contains("1 ages with a fraction are rounded down"), "{out}");
    assert_eq!(
        (of("age_min"), of("split")),
        (vec!["".into(), "".into(), "70.0".into()], vec!["train".into(), "val".into(), "".into()])
    );
    ingest("semi.csv", "--male 1 --female 0");
    assert_eq!(of("gender"), ["male", "female", "female"]);
    table("tab.csv", "path\tage\np0.jpg\t3\n");
    ingest("tab.csv", "");
    assert_eq!(of("age"), ["3.0"]);

    // The file has persons, families and guesses by others. Each row that makes no sense is left out.
    table(
        "rich.csv",
        "file,age,apparent_age,apparent_std,person,family,split\na.jpg,4,5.3,1.13,F1-1,F1,train\nb.jpg,old,5,1,F1-2,F1,train\n\
         c.jpg,7\nd.jpg,999,,,,,\n,3,,,,,\n",
    );
    let out = ingest("rich.csv", "--source fiw --funnel funnel.json");
    for rule in ["unreadable number", "row of another length", "age not within 0 to 130", "no path"]
    {
        assert!(out.contains(&format!("left out, {rule}")), "{rule}: {out}");
    }
    assert_eq!((of("apparent_age"), of("apparent_std")), (vec!["5.3".into()], vec!["1.13".into()]));
    assert_eq!(
        (of("person"), of("group"), of("source")),
        (vec!["F1-1".into()], vec!["F1".into()], vec!["fiw".into()])
    );
    let funnel = std::fs::read_to_string(here.join("funnel.json")).expect("a funnel");
    let funnel: serde_json::Value = serde_json::from_str(&funnel).expect("JSON");
    assert_eq!(funnel["left_out"][0][2], "age \"old\"");
    assert_eq!(funnel["left_out"][1][0], "c.jpg | 7");
    assert_eq!(funnel["ages"]["999"]["unknown"], 1, "ages are counted before the rules");
    let error = fails(here, "ingest table --table rich.csv --images nowhere --out none.csv");
    assert!(
        error.contains("no face is left") && error.contains("picture missing: a.jpg"),
        "{error}"
    );
    table("faces.csv", "file,gender,split\na.jpg,male,train\nb.jpg,,unlabelled\n");
    ingest("faces.csv", "");
    assert_eq!(of("path"), ["a.jpg"]);
    ingest("faces.csv", "--unlabelled");
    assert_eq!(
        (of("path"), of("split")),
        (vec!["a.jpg".into(), "b.jpg".into()], vec!["train".into(), "train".into()])
    );
    // A guess alone is no label, since training would leave the face out.
    table("guess.csv", "file,age,apparent_age\na.jpg,3,4\nb.jpg,,5\n");
    let out = ingest("guess.csv", "");
    assert!(out.contains("left out, no label: b.jpg"), "{out}");
    // A family of 0 is none, so these two faces have nothing in common.
    table("zero.csv", "file,age,family,split\na.jpg,3,0,train\nb.jpg,40,0,val\n");
    ingest("zero.csv", "");
    assert_eq!(of("group"), ["", ""]);
    table("twice.csv", "path,age,AGE\na.jpg,3,4\n");
    assert!(fails(here, "ingest table --table twice.csv --out x.csv").contains("two columns"));
}

#[test]
fn pictures_that_are_none_are_counted_by_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let portrait = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/images/eileen_collins.png");
    let photo = image::open(portrait).expect("a portrait").to_rgb8();
    photo.save(here.join("one.png")).expect("written");
    // The picture has the same face twice, side by side.
    let mut two = image::RgbImage::new(photo.width() * 2, photo.height());
    image::imageops::replace(&mut two, &photo, 0, 0);
    image::imageops::replace(&mut two, &photo, i64::from(photo.width()), 0);
    two.save(here.join("two.png")).expect("written");
    picture(&here.join("none.png"), 30, true);
    write(&here.join("damaged.png"), "no picture");
    write(&here.join("empty.png"), "");
    std::fs::create_dir(here.join("folder.png")).expect("a folder");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(here.join("pipe.png"))
            .status()
            .expect("mkfifo")
            .success()
    );
    let names = ["one", "two", "none", "damaged", "empty", "folder", "pipe", "gone"];
    let rows: String = names.iter().map(|name| format!("{name}.png,42,female\n")).collect();
    write(&here.join("t.csv"), format!("file,age,gender\n{rows}"));
    let out = said(
        here,
        "ingest table --table t.csv --images . --out out.csv --funnel funnel.json --distance 0",
    );
    assert_eq!(column(here, "out.csv", "path"), ["one.png", "two.png", "none.png"]);
    assert!(out.contains("2 of 3 faces without a box were found"), "{out}");
    assert!(
        out.contains("several faces in 1 pictures") && out.contains("in 1 a second one"),
        "{out}"
    );
    let funnel = std::fs::read_to_string(here.join("funnel.json")).expect("a funnel");
    let funnel: serde_json::Value = serde_json::from_str(&funnel).expect("JSON");
    let kinds: Vec<(&str, &str)> = funnel["left_out"]
        .as_array()
        .expect("pictures")
        .iter()
        .map(|left| (left[0].as_str().expect("a path"), left[1].as_str().expect("a kind")))
        .collect();
    let expected = [
        ("damaged.png", "picture damaged"),
        ("empty.png", "picture empty"),
        ("folder.png", "picture is no regular file"),
        ("pipe.png", "picture is no regular file"),
        ("gone.png", "picture missing"),
    ];
    let damaged = kinds[0].1;
    assert!(
        ["picture damaged", "picture of an unsupported format"].contains(&damaged),
        "{damaged}"
    );
    assert_eq!(kinds[1..], expected[1..]);
    said(here, "ingest table --table t.csv --images . --out clear.csv --only-clear");
    // Without a search they would have no effect.
    for more in ["--images . --whole --only-clear", "--only-found"] {
        let error = fails(here, &format!("ingest table --table t.csv --out none.csv {more}"));
        assert!(error.contains("--only-clear and --only-found search pictures"), "{error}");
    }
    assert_eq!(column(here, "clear.csv", "path"), ["one.png"]);
    let out = "--out found.csv --only-found --weight 0.25 --distance 0";
    said(here, &format!("ingest table --table t.csv --images . {out}"));
    assert_eq!(column(here, "found.csv", "path"), ["one.png", "two.png"]);
    assert_eq!(column(here, "found.csv", "weight"), ["0.25", "0.25"]);
    let refused = fails(here, "ingest table --table t.csv --out bad.csv --weight=-1");
    assert!(refused.contains("--weight is -1"), "{refused}");
    // Two people of one picture without boxes would both get the face that the search finds.
    write(
        &here.join("pair.csv"),
        "file,age,gender\none.png,42,female\ntwo.png,42,female\ntwo.png,7,male\n",
    );
    let out = said(here, "ingest table --table pair.csv --images . --out pair-out.csv");
    assert_eq!(dropped(&out, "several rows of one picture without a box"), 2, "{out}");
    assert_eq!(column(here, "pair-out.csv", "path"), ["one.png"]);
    // Without a search, each row is its whole picture.
    said(here, "ingest table --table pair.csv --images . --out whole.csv --whole --distance 0");
    assert_eq!(column(here, "whole.csv", "path"), ["one.png", "two.png", "two.png"]);
    // A pipe lies in a folder, and in a manifest that is judged or shown.
    picture(&here.join("own/female/30/x.png"), 30, false);
    let pipe = here.join("own/female/30/y.png");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().expect("mkfifo").success());
    let out = said(here, "ingest folder --images own --out folder.csv --no-search");
    assert_eq!(dropped(&out, "picture is no regular file"), 1);
    assert_eq!(column(here, "folder.csv", "path"), ["female/30/x.png"]);
    write(
        &here.join("pipe.csv"),
        "# face-train manifest 1 | test\npath,age,split\npipe.png,3,test\n",
    );
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/base.onnx");
    let error =
        fails(here, &format!("evaluate --model {model} --manifest pipe.csv --root . --out report"));
    assert!(error.contains("no regular file"), "{error}");
    said(here, "explore pipe.csv --root . --out page.html");
}

#[test]
fn the_inner_folder_wins_and_shards_are_no_genders() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    picture(&here.join("own/2/female/34/anna.png"), 34, false);
    picture(&here.join("own/m/women/20-29/eva.png"), 25, false);
    picture(&here.join("own/f/30/max.png"), 31, true);
    said(here, "ingest folder --images own --out own.csv --no-search");
    assert_eq!(
        column(here, "own.csv", "path"),
        ["2/female/34/anna.png", "f/30/max.png", "m/women/20-29/eva.png"]
    );
    assert_eq!(column(here, "own.csv", "age"), ["34.0", "30.0", ""]);
    assert_eq!(column(here, "own.csv", "gender"), ["female", "female", "female"]);
    picture(&here.join("own/c/40/pat.png"), 40, true);
    said(here, "ingest folder --images own --out own.csv --no-search");
    assert_eq!(
        column(here, "own.csv", "gender"),
        ["female", "", "", "female"],
        "f beside c is a shard"
    );
}

#[test]
fn manifests_with_odd_brackets_are_read_without_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    write(
        &here.join("m.csv"),
        "# face-train manifest 1 | test\npath,years,age_min,age_max\na.png,3,40,30\nb.png,3,20,29\nc.png,3,70,\nd.png,3,200,300\n",
    );
    let out = said(here, "split m.csv --out parts.csv");
    assert!(out.contains("these columns are ignored: years (did you mean age?)"), "{out}");
    // What the program writes has no such columns.
    assert!(!said(here, "split parts.csv --out again.csv").contains("ignored"));
    assert!(
        out.contains(
            "1 rows left out, bracket with its first year above its last; the first is line 3"
        ),
        "{out}"
    );
    assert!(out.contains("1 rows left out, bracket not within 0 to 100"), "{out}");
    assert_eq!(column(here, "parts.csv", "path"), ["b.png", "c.png"]);
    assert_eq!(column(here, "parts.csv", "age_max"), ["29.0", "100.0"]);
}

#[test]
fn the_published_layout_is_explored_from_labels_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let file = mat("layout/wiki.mat");
    let ingest =
        format!("ingest imdb-wiki --mat {file} --images nowhere --trust --funnel funnel.json");
    let out = said(here, &format!("{ingest} --out wiki.csv"));
    for (rule, count) in [
        ("gender neither 0 nor 1", 1),
        ("date of birth or photo impossible", 1),
        ("age out of range", 2),
        ("face score too low", 2),
        ("second face", 1),
    ] {
        assert_eq!(dropped(&out, rule), count, "{rule}");
    }
    assert_eq!(column(here, "wiki.csv", "path").len(), 2);
    assert_eq!(column(here, "wiki.csv", "person"), ["Sami Jauhojärvi", "Dettie Jones"]);
    said(
        here,
        "explore wiki.csv --no-pictures --out page.html --funnel funnel.json --summary summary.md",
    );
    let page = std::fs::read_to_string(here.join("page.html")).expect("a page");
    assert!(page.contains("Ages of all, before the filters") && page.contains("Ages from 9 to 99"));
    assert!(!page.contains("<img") && !page.contains("Some of them"));
    let summary = std::fs::read_to_string(here.join("summary.md")).expect("figures");
    for line in [
        "| rows | 4 | 4 | 9 |",
        "| dropped: face score too low | 1 | 1 | 2 |",
        "| kept | 1 | 1 | 2 |",
        "| mean age | 51.0 | 28.0 | 39.5 |",
        "| 0 to 8 | 1 | 0 | 0 | 0 |",
        "| 20 to 29 | 2 | 1 | 0 | 1 |",
        "| 50 to 59 | 2 | 1 | 1 | 0 |",
        "| above 100 | 1 | 0 | 0 | 0 |",
    ] {
        assert!(summary.contains(line), "{line}\n{summary}");
    }
    // All ages and a score of minus infinity are accepted if they are asked for.
    said(
        here,
        &format!(
            "{ingest} --out all.csv --min-age 0 --max-age 100 --min-face-score -inf --allow-second-face"
        ),
    );
    let kept = column(here, "all.csv", "path");
    assert_eq!(kept.len(), 6, "{kept:?}");
    assert!(kept.iter().any(|path| path.starts_with("12/100012")), "the one without a face, too");
    assert_eq!(
        face_train(here, "explore wiki.csv --out x.html").status.code(),
        Some(2),
        "pictures need a root"
    );
}
