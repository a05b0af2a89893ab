//! From raw data sets to manifests, parts and pages.

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

    // Looser filters, and the whole pictures.
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

    // A face without a box is searched; a photograph shows where the portrait's is.
    let portrait = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/images/eileen_collins.png");
    write(&here.join("own/portrait.png"), std::fs::read(portrait).expect("the portrait"));
    write(&here.join("own.csv"), "file,age,gender\nportrait.png,42,female\n");
    let out = ok(here, "ingest csv --table own.csv --images own --out found.csv");
    assert!(out.contains("1 of 1 faces without a box were found"), "{out}");
    let number = |name: &str| column(here, "found.csv", name)[0].parse::<f32>().expect(name);
    assert!((number("box_x") + number("box_w") / 2.0 - 226.0).abs() < 15.0);
    assert!((number("box_y") + number("box_h") / 2.0 - 116.0).abs() < 20.0);
    assert!(number("eye_left_x") < number("nose_x") && number("nose_x") < number("eye_right_x"));
    ok(here, "ingest csv --table own.csv --images own --out bare.csv --no-search");
    assert_eq!(column(here, "bare.csv", "box_x"), [""]);
    write(
        &here.join("boxed.csv"),
        "file,age,gender,box_x,box_y,box_w,box_h\nportrait.png,42,female,1,2,3,4\n",
    );
    ok(here, "ingest csv --table boxed.csv --images own --out boxed-manifest.csv");
    assert_eq!(column(here, "boxed-manifest.csv", "box_w"), ["3.0"]);

    // A page of it, and parts.
    ok(here, "split faces.csv --out parted.csv");
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
    // A copy with another label.
    std::fs::copy(here.join("utk/25_0_2_1.jpg.chip.jpg"), here.join("utk/52_0_2_9.jpg.chip.jpg"))
        .expect("a copy");
    write(&here.join("utk/53__0_2017.jpg"), "mangled name");
    write(&here.join("utk/20_1_1_bad.jpg"), "damaged");
    write(&here.join("out.txt"), "# by hand\n30_1_1_4.jpg.chip.jpg\n");
    let out = ok(
        here,
        "ingest utkface --images utk --out utk.csv --prefix utk --exclude out.txt --distance 0 --funnel f.json",
    );
    assert!(out.contains("1 names without a race"), "{out}");
    assert!(out.contains("near-duplicates contradict"), "{out}");
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
    ok(here, "ingest folder --images own --out own.csv");
    assert_eq!(column(here, "own.csv", "gender"), ["male", "female"]);
    assert_eq!(column(here, "own.csv", "age"), ["", "34.0"]);

    write(
        &here.join("table.csv"),
        "file,age,gender\nfemale/34/anna.png,34,F\nx.png,NaN,M\ny.png,,\n",
    );
    ok(here, "ingest csv --table table.csv --images own --out csv.csv");
    assert_eq!(column(here, "csv.csv", "gender"), ["female"]);
    write(&here.join("none.csv"), "age\n3\n");
    assert!(
        fails(here, "ingest csv --table none.csv --images own --out x.csv").contains("neither")
    );
    assert_eq!(face_train(here, "ingest csv").status.code(), Some(2));
    let out = ok(here, "loader --manifest ff.csv --root ff");
    assert!(out.contains("3 of 3 pictures"), "{out}");
}
