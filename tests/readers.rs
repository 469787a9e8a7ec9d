//! Every reader of data: facts of real files, files written here, what bad ones get, and that no bytes bring one down.

use losscape::base::{Kind, OptionValue, Options};
use losscape::data::csv::{CsvOptions, TargetColumn, classes_of_words, load_csv};
use losscape::data::generators::TargetKind;
use losscape::data::idx::{IdxOptions, ImageSetOptions, load_idx, load_mnist};
use losscape::data::npy::{Array, Values, dataset_of_arrays, load_npz, npz_bytes, read_npy, read_npz};
use losscape::data::write::{save_matrix, save_table, save_vector};
use losscape::data::{Column, Dataset, Table, Targets};
use losscape::math::Matrix;
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of real data, or `None` with a visible word.
fn shared(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("LOSSCAPE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from)
        .join("data")
        .join(part);
    if !root.exists() {
        println!("skipped: {} is not here", root.display());
        return None;
    }
    Some(root)
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn target(name: &str) -> CsvOptions {
    CsvOptions { target: TargetColumn::Named(name.into()), ..Default::default() }
}

fn headless() -> CsvOptions {
    CsvOptions { header: Some(false), ..Default::default() }
}

fn values() -> CsvOptions {
    CsvOptions { kind: TargetKind::Values, ..Default::default() }
}

/// Reads a table of this text.
fn csv(text: &str, options: &CsvOptions) -> losscape::base::Result<Dataset> {
    let folder = Folder::new();
    load_csv(&folder.write("t.csv", text), options)
}

/// The error that a table of this text gets, whole.
fn csv_error(text: &str, options: &CsvOptions) -> String {
    let said = csv(text, options).unwrap_err().to_string();
    assert!(said.starts_with("load_csv: ") && said.contains("t.csv"), "{said}");
    said
}

fn real(data: &Dataset) -> &Matrix {
    match &data.targets {
        Targets::Values(values) => values,
        other => panic!("real targets, found {other:?}"),
    }
}

#[test]
fn csv_with_any_delimiter_header_and_quotes() {
    let plain = csv("a,b,label\n1,2,x\n3,4.5,y\n", &CsvOptions::default()).unwrap();
    assert_eq!(plain.inputs.data, [1.0, 2.0, 3.0, 4.5]);
    assert_eq!((plain.labels().unwrap(), plain.class_names()), ([0, 1].as_slice(), ["x".to_string(), "y".into()].as_slice()));
    for text in [
        "a;b;label\n1;2;x\n3;4.5;y\n",
        "a\tb\tlabel\r\n1\t2\tx\r\n3\t4.5\ty",
        "\u{feff}a, b, label\n 1, 2, x\n\n3 ,4.5 ,y\n\n",
        "\"a, first\";\"b\";\"label; the class\"\n1;2;x\n3;4.5;\"y\"\n",
    ] {
        assert_eq!(csv(text, &CsvOptions::default()).unwrap(), plain, "{text}");
    }
    assert_eq!(csv("1,2,x\n3,4.5,y\n", &headless()).unwrap(), plain);
    let folder = Folder::new();
    let packed = folder.write("t.csv.gz", gzip(b"a,b,label\n1,2,x\n3,4.5,y\n"));
    assert_eq!(load_csv(&packed, &CsvOptions::default()).unwrap(), plain);
}

#[test]
fn csv_labels_are_ranked() {
    let words = classes_of_words(&["pear", "apple", "pear"].map(String::from)).unwrap();
    assert_eq!(words, Targets::Classes { labels: vec![1, 0, 1].into(), names: vec!["apple".to_string(), "pear".into()].into() });
    assert!(classes_of_words(&["a".into(), "".into()]).unwrap_err().contains("item 1"));
    let names = |text: &str| {
        let data = csv(text, &headless()).unwrap();
        (data.class_names().join(" "), data.labels().unwrap().to_vec())
    };
    // Numbers by value (10 after 9, 1.0 is 1), words alphabetically.
    assert_eq!(names("0,10\n0,9\n0,-1\n0,9.0\n"), ("-1 9 10".into(), vec![2, 1, 0, 1]));
    assert_eq!(names("0,pear\n0,10\n0,9\n"), ("10 9 pear".into(), vec![2, 0, 1]));
    assert_eq!(names("0,-0\n0,0\n"), ("0".into(), vec![0, 0]));
}

#[test]
fn csv_targets_by_name_index_several_or_none() {
    let text = "a,b,c\n1,2,3\n4,5,6\n";
    let b = csv(text, &CsvOptions { kind: TargetKind::Values, ..target("b") }).unwrap();
    assert_eq!((b.inputs.data.as_slice(), real(&b).data.as_slice()), ([1.0, 3.0, 4.0, 6.0].as_slice(), [2.0, 5.0].as_slice()));
    let first = csv(text, &CsvOptions { target: TargetColumn::Index(0), ..values() }).unwrap();
    assert_eq!(real(&first).data, [1.0, 4.0]);
    let none = csv(text, &CsvOptions { target: TargetColumn::Nothing, ..Default::default() }).unwrap();
    assert_eq!((none.inputs.columns, none.targets), (3, Targets::None));
    // Options as a script gives them: two targets in the order asked for.
    let mut options = values();
    let both = OptionValue::List(vec![OptionValue::Text("c".into()), OptionValue::Integer(0)]);
    options.set("load_csv", "target", &both).unwrap();
    let both = csv(text, &options).unwrap();
    assert_eq!((real(&both).columns, real(&both).data.as_slice()), (2, [3.0, 1.0, 6.0, 4.0].as_slice()));
    assert!(csv(text, &CsvOptions { kind: TargetKind::Classes, ..options }).is_err());
}

#[test]
fn csv_errors_name_file_line_and_column() {
    let default = CsvOptions::default();
    let says = |text: &str, options: &CsvOptions, words: &[&str]| {
        let said = csv_error(text, options);
        words.iter().for_each(|word| assert!(said.contains(word), "{said} lacks {word}"));
    };
    says("a,b,label\n1,2,0\n1,few,0\n", &default, &["line 3", "column 1 (`b`)", "\"few\" is not a number"]);
    says("a,b,label\n1,,0\n", &default, &["line 2", "column 1 (`b`)", "empty"]);
    says("a,label\n1,0\n1,\n", &default, &["line 3", "column 1 (`label`)", "empty"]);
    says("a,label\nNaN,0\n", &default, &["line 2", "\"NaN\" is not a finite number"]);
    says("a,label\n1e999,0\n", &default, &["not a finite number"]);
    says("a,label\n1,inf\n", &default, &["line 2", "`label`", "\"inf\""]);
    says("a;label\n1,5;0\n", &default, &["decimals are written with a point"]);
    says("a,b,label\n1,2,0\n1,2\n", &default, &["line 3 has 2 fields", "3 fields"]);
    says("1,2,0\n3,4,1\n", &default, &["line 1", "header: false"]);
    says("5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n", &default, &["found the number 5.1", "header: false"]);
    says("a,b,label\n1,2,0\n", &headless(), &["line 1", "leave out header: false"]);
    says("a,label\n", &default, &["no rows"]);
    says("", &default, &["empty"]);
    says(" \n\n", &default, &["empty"]);
    says("a\n1\n", &default, &["single column"]);
    says("a,species\n1,0\n", &target("spices"), &["`spices`", "did you mean `species`", "a, species"]);
    says("a,a,b\n1,1,0\n", &target("a"), &["two columns `a`"]);
    says("1,0\n", &CsvOptions { header: Some(false), ..target("a") }, &["without a header", "number"]);
    for index in [9, -1] {
        says(
            "a,b\n1,0\n",
            &CsvOptions { target: TargetColumn::Index(index), ..default.clone() },
            &[&index.to_string(), "2 columns"],
        );
    }
    says("a,label\n1,word\n", &values(), &["\"word\" is not a number", "kind: \"classes\""]);
    let floats: String = (0..200).map(|i| format!("1,{}.5\n", i)).collect();
    says(&format!("a,y\n{floats}"), &default, &["200 different numbers", "kind: \"values\""]);
    let folder = Folder::new();
    let says = |bytes: &[u8], word: &str| {
        let said = load_csv(&folder.write("t.csv", bytes), &CsvOptions::default()).unwrap_err();
        assert!(said.to_string().contains(word) && said.kind == Kind::Format, "{said}");
    };
    says(b"a,b\n1,\xff\n", "line 2 is not UTF-8");
    says(b"\xff\xfea\0", "UTF-16");
    says(b"PK\x03\x04\0\0", "no text");
    assert_eq!(load_csv(&folder.path("none.csv"), &CsvOptions::default()).unwrap_err().kind, Kind::File);
}

#[test]
fn data_sets_survive_saving() {
    let folder = Folder::new();
    let inputs = Matrix::from_rows(4, 2, vec![0.1, -1e300, 5e-324, 1.0 / 3.0, 2.0, 0.0, 1e16, -0.0]);
    let names: Vec<String> = ["a, b", "c \"quoted\"", "d"].map(String::from).to_vec();
    let classes = Targets::Classes { labels: vec![2, 0, 1, 0].into(), names: names.into() };
    let classes = Dataset::new(inputs.clone(), classes).unwrap();
    let reals = Dataset::with_values(inputs.clone(), Matrix::from_rows(4, 1, vec![1e-9, 2.0, -3.5, 0.1])).unwrap();
    for name in ["d.csv", "d.csv.gz"] {
        classes.save(&folder.path(name)).unwrap();
        assert_eq!(load_csv(&folder.path(name), &CsvOptions::default()).unwrap(), classes);
        reals.save(&folder.path(name)).unwrap();
        assert_eq!(load_csv(&folder.path(name), &values()).unwrap(), reals);
    }
    let wrong = classes.mislabel(50.0, 1).unwrap();
    let none = Dataset::new(inputs, Targets::None).unwrap();
    // A part without items of class 1 still has three classes after .npz.
    let part = classes.take(2).unwrap();
    for data in [&classes, &reals, &wrong, &none, &part] {
        data.save(&folder.path("d.npz")).unwrap();
        assert_eq!(&load_npz("dataset", &folder.path("d.npz")).unwrap(), data);
    }
    classes.save(&folder.path("d.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&fs::read(folder.path("d.json")).unwrap()).unwrap();
    assert_eq!((json["x1"][0].as_f64(), json["label"][0].as_str()), (Some(-1e300), Some("d")));
    assert!(classes.save(&folder.path("d.npy")).unwrap_err().to_string().contains(".npz"));
    assert!(classes.save(&folder.path("d.xyz")).unwrap_err().to_string().contains(".csv"));
}

#[test]
fn tables_vectors_and_matrices_are_saved() {
    let folder = Folder::new();
    let table = Table::new(vec![
        ("id".into(), Column::Integers(vec![1, 2])),
        ("value".into(), Column::Numbers(vec![0.1, f64::NAN])),
        ("word".into(), Column::Texts(vec!["a,b".into(), "c".into()])),
    ])
    .unwrap();
    save_table(&table, &folder.path("t.csv")).unwrap();
    assert_eq!(fs::read_to_string(folder.path("t.csv")).unwrap(), "id,value,word\n1,0.1,\"a,b\"\n2,NaN,c\n");
    save_table(&table, &folder.path("t.json")).unwrap();
    assert_eq!(
        fs::read_to_string(folder.path("t.json")).unwrap().trim_end(),
        r#"{"id":[1,2],"value":[0.1,null],"word":["a,b","c"]}"#
    );
    save_table(&table, &folder.path("t.npz")).unwrap();
    let arrays = read_npz("load", &folder.path("t.npz")).unwrap();
    assert_eq!(arrays[0], ("id".into(), Array { shape: vec![2], values: Values::Integers(vec![1, 2]) }));
    assert!(save_table(&table, &folder.path("t.npy")).unwrap_err().to_string().contains("`word`"));

    let matrix = Matrix::from_rows(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.5]);
    save_matrix(&matrix, &folder.path("m.npy")).unwrap();
    assert_eq!(read_npy("load", &folder.path("m.npy")).unwrap().into_matrix().unwrap(), matrix);
    save_matrix(&matrix, &folder.path("m.csv")).unwrap();
    let back = load_csv(&folder.path("m.csv"), &CsvOptions { target: TargetColumn::Nothing, ..Default::default() }).unwrap();
    assert_eq!(*back.inputs, matrix);
    save_vector(&[1.0, 2.5], &folder.path("v.csv")).unwrap();
    assert_eq!(fs::read_to_string(folder.path("v.csv")).unwrap(), "value\n1\n2.5\n");
    save_vector(&[1.0, 2.5], &folder.path("v.json")).unwrap();
    assert_eq!(fs::read_to_string(folder.path("v.json")).unwrap(), "[1.0,2.5]\n");
}

#[test]
fn arrays_make_data_sets() {
    let inputs = || Array { shape: vec![2, 2, 2], values: Values::Integers((0..8).collect()) };
    let column = |values| Array { shape: vec![2, 1], values };
    let classes = dataset_of_arrays(inputs(), Some(column(Values::Integers(vec![1, 0])))).unwrap();
    assert_eq!((classes.inputs.columns, classes.labels().unwrap()), (4, [1, 0].as_slice()));
    let reals = dataset_of_arrays(inputs(), Some(column(Values::Reals(vec![1.0, 0.0])))).unwrap();
    assert_eq!(real(&reals).data, [1.0, 0.0]);
    let short = Array { shape: vec![1], values: Values::Integers(vec![1]) };
    assert_eq!(dataset_of_arrays(inputs(), Some(short)).unwrap_err().kind, Kind::Shape);
    let words = Array { shape: vec![1], values: Values::Texts(vec!["a".into()]) };
    assert!(dataset_of_arrays(words, None).unwrap_err().to_string().contains("words"));
}

/// An IDX file: type, dimensions, content.
fn idx(kind: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, shape.len() as u8];
    shape.iter().for_each(|s| bytes.extend_from_slice(&s.to_be_bytes()));
    bytes.extend_from_slice(data);
    bytes
}

#[test]
fn idx_of_every_type() {
    let folder = Folder::new();
    let labels = folder.write("labels.gz", gzip(&idx(8, &[2], &[3, 1])));
    let read = |kind: u8, data: &[u8]| {
        let data = load_idx(&folder.write("images", idx(kind, &[2, 1, 2], data)), &labels, &IdxOptions::default()).unwrap();
        assert_eq!((data.labels().unwrap(), data.classes()), ([3, 1].as_slice(), 4));
        data.inputs.data.clone()
    };
    let wide = |numbers: [f64; 4], bytes: fn(f64) -> Vec<u8>| numbers.into_iter().flat_map(bytes).collect::<Vec<u8>>();
    assert_eq!(read(0x08, &[0, 255, 51, 102]), [0.0, 1.0, 0.2, 0.4]);
    assert_eq!(read(0x09, &[0, 255, 1, 128]), [0.0, -1.0, 1.0, -128.0]);
    let numbers = [0.0, -2.0, 300.0, 7.0];
    assert_eq!(read(0x0b, &wide(numbers, |v| (v as i16).to_be_bytes().to_vec())), numbers);
    assert_eq!(read(0x0c, &wide(numbers, |v| (v as i32).to_be_bytes().to_vec())), numbers);
    let numbers = [0.5, -2.25, 1e10, 7.0];
    assert_eq!(read(0x0d, &wide(numbers, |v| (v as f32).to_be_bytes().to_vec())), numbers);
    assert_eq!(read(0x0e, &wide(numbers, |v| v.to_be_bytes().to_vec())), numbers);
}

#[test]
fn idx_errors_name_the_file_and_what_was_found() {
    let folder = Folder::new();
    let images = folder.write("images", idx(8, &[2, 2], &[1, 2, 3, 4]));
    let labels = folder.write("labels", idx(8, &[2], &[0, 1]));
    let says = |images: &Path, labels: &Path, words: &[&str]| {
        let said = load_idx(images, labels, &IdxOptions::default()).unwrap_err().to_string();
        words.iter().for_each(|word| assert!(said.contains(word), "{said} lacks {word}"));
    };
    says(&folder.write("a.csv", "sepal_length"), &labels, &["a.csv", "no IDX file", "\"sepa\""]);
    says(&folder.write("a.bin", [0, 0, 7, 1]), &labels, &["a.bin", "[00, 00, 07, 01]"]);
    says(&folder.write("a.bin", []), &labels, &["it is empty"]);
    says(&folder.write("a.bin", [0, 0, 8, 3, 0]), &labels, &["ends too early"]);
    says(&folder.write("three", idx(8, &[3, 1], &[1, 2, 3])), &labels, &["three holds 3 images", "labels holds 2 labels"]);
    says(&folder.write("cut", idx(8, &[2, 2], &[1, 2, 3])), &labels, &["cut off"]);
    says(&folder.write("long", idx(8, &[2, 1], &[1, 2, 3])), &labels, &["goes on"]);
    says(&images, &images, &["[2, 2] numbers", "images come first"]);
    says(&images, &folder.write("half", idx(0x0d, &[2], &[0x3f, 0, 0, 0, 0, 0, 0, 0])), &["half", "0.5, not a whole number"]);
    // Sizes that no machine holds: an error, and no attempt to make room.
    let absurd = folder.write("absurd", idx(8, &[2, u32::MAX, u32::MAX, u32::MAX], &[0]));
    says(&absurd, &labels, &["absurd", "do not fit into memory"]);
    let many = folder.write("many", idx(8, &[u32::MAX, 784], &[0]));
    let many_labels = folder.write("many_labels", idx(8, &[u32::MAX], &[0]));
    says(&many, &many_labels, &["many_labels", "cut off"]);
    let none = folder.write("none", idx(8, &[0, 4], &[]));
    says(&none, &folder.write("no_labels", idx(8, &[0], &[])), &["no images"]);
    let count = IdxOptions { count: Some(3) };
    assert!(load_idx(&images, &labels, &count).unwrap_err().to_string().contains("3 items"));
}

#[test]
fn mnist_folder_packed_or_not() {
    let folder = Folder::new();
    let missing = |path: &Path| load_mnist(path, &ImageSetOptions::default()).unwrap_err().to_string();
    assert!(missing(&folder.path("nowhere")).contains("nowhere: there is no such folder"));
    let said = missing(folder.0.path());
    assert!(said.contains("train-images-idx3-ubyte") && said.contains("https://"), "{said}");
    folder.write("train-images-idx3-ubyte.gz", gzip(&idx(8, &[3, 2, 1], &[0, 1, 2, 3, 4, 5])));
    folder.write("train-labels-idx1-ubyte", idx(8, &[3], &[0, 1, 2]));
    folder.write("t10k-images.idx3-ubyte", idx(8, &[1, 2, 1], &[255, 255]));
    assert!(missing(folder.0.path()).contains("t10k-labels-idx1-ubyte"));
    folder.write("t10k-labels.idx1-ubyte.gz", gzip(&idx(8, &[1], &[2])));
    let (train, test) = load_mnist(folder.0.path(), &ImageSetOptions { train: Some(1), test: None }).unwrap();
    // One item, but the classes of all three.
    assert_eq!((train.len(), train.classes(), test.inputs.data.as_slice()), (1, 3, [1.0, 1.0].as_slice()));
}

#[test]
fn npz_errors_name_the_file() {
    let folder = Folder::new();
    let says = |bytes: Vec<u8>, word: &str| {
        let said = load_npz("dataset", &folder.write("d.npz", bytes)).unwrap_err().to_string();
        assert!(said.contains("d.npz") && said.contains(word), "{said} lacks {word}");
    };
    let array = |values| Array { shape: vec![2], values };
    says(b"x1,x2".to_vec(), "not a .npz file");
    says(npz_bytes(&[("x", array(Values::Reals(vec![1.0, 2.0])))]).unwrap(), "no array `inputs`; it has x");
    let labels = || array(Values::Integers(vec![0, 1]));
    let good = [("inputs", array(Values::Reals(vec![1.0, 2.0]))), ("targets", labels())];
    let names = Array { shape: vec![1], values: Values::Texts(vec!["a".into()]) };
    says(npz_bytes(&[good[0].clone(), good[1].clone(), ("class_names", names)]).unwrap(), "1 class names for 2 classes");
    let mut cut = npz_bytes(&good).unwrap();
    cut.truncate(cut.len() - 30);
    says(cut, "broken");
}

#[test]
fn real_tables() {
    let Some(tables) = shared("tables") else { return };
    let iris = load_csv(&tables.join("iris_fisher.csv"), &CsvOptions::default()).unwrap();
    assert_eq!((iris.len(), iris.class_counts()), (150, vec![50, 50, 50]));
    assert_eq!(iris.inputs.row(34), [4.9, 3.1, 1.5, 0.2]);
    let digits = load_csv(&tables.join("optdigits.tra"), &headless()).unwrap();
    assert_eq!(digits.class_counts(), [376, 389, 380, 389, 387, 376, 377, 387, 380, 382]);
    let wine = load_csv(&tables.join("winequality-red.csv.gz"), &values()).unwrap();
    assert_eq!((wine.len(), wine.inputs.columns), (1599, 11));
    // The mean quality as numpy gives it.
    assert!((real(&wine).data.iter().sum::<f64>() / 1599.0 - 5.6360225140712945).abs() < 1e-12);
    // A page of prose is no table.
    assert!(load_csv(&tables.join("../README.md"), &CsvOptions::default()).unwrap_err().to_string().contains("README.md"));
}

#[test]
fn real_mnist() {
    let Some(folder) = shared("mnist") else { return };
    let (train, test) = load_mnist(&folder, &ImageSetOptions { train: Some(1000), test: Some(100) }).unwrap();
    assert_eq!(train.labels().unwrap()[..12], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5]);
    assert_eq!((train.len(), test.len(), train.inputs.columns), (1000, 100, 784));
    // Sum of the bytes of image 0, as other tools give it.
    assert!((train.inputs.row(0).iter().sum::<f64>() * 255.0 - 27525.0).abs() < 1e-9);
    let mixed =
        load_idx(&folder.join("train-images-idx3-ubyte.gz"), &folder.join("t10k-labels-idx1-ubyte.gz"), &IdxOptions::default());
    let said = mixed.unwrap_err().to_string();
    assert!(said.contains("60000") && said.contains("10000"), "{said}");
}

/// Every reader on these bytes; what they answer does not matter, that they answer does.
fn feed(bytes: &[u8]) {
    let folder = Folder::new();
    let path = folder.write("any", bytes);
    for options in [CsvOptions::default(), headless(), values(), target("a")] {
        let _ = load_csv(&path, &options);
    }
    let labels = folder.write("labels", idx(8, &[2], &[0, 1]));
    let _ = load_idx(&path, &labels, &IdxOptions::default());
    let _ = load_idx(&labels, &path, &IdxOptions::default());
    let _ = read_npy("dataset", &path).map(|array| dataset_of_arrays(array, None));
    let _ = load_npz("dataset", &path);
}

/// A valid file of some kind, to be broken.
fn valid() -> Vec<Vec<u8>> {
    let csv = b"a;b;\"label\"\n1.5;2;x\n3;\"4\";y\n".to_vec();
    let array = Array { shape: vec![2, 2], values: Values::Reals(vec![1.0, 2.0, 3.0, 4.0]) };
    let labels = Array { shape: vec![2], values: Values::Integers(vec![0, 1]) };
    let npy = losscape::data::npy::npy_bytes(&array);
    let npz = npz_bytes(&[("inputs", array), ("targets", labels)]).unwrap();
    vec![gzip(&csv), csv, npy, npz, idx(8, &[2, 2], &[1, 2, 3, 4])]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_bring_a_reader_down(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        feed(&bytes);
    }

    #[test]
    fn no_text_brings_a_reader_down(text in "[a0-9.,;\t\n\"eE+-]{0,80}") {
        feed(text.as_bytes());
    }

    #[test]
    fn no_broken_file_brings_a_reader_down(which in 0usize..5, changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..6), cut in any::<u16>()) {
        let mut bytes = valid().swap_remove(which);
        for (place, byte) in changes {
            let place = place as usize % bytes.len();
            bytes[place] = byte;
        }
        if cut % 3 == 0 {
            bytes.truncate(cut as usize % bytes.len());
        }
        feed(&bytes);
    }

    #[test]
    fn no_header_brings_the_npy_reader_down(header in "\\{('descr': '[<>|][fiubOUScV][0-9]{1,20}', )?('fortran_order': (True|False), )?('shape': \\([0-9]{0,20},? ?[0-9]{0,20}\\), )?\\}") {
        feed(&[b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), &[0; 64]].concat());
    }

    #[test]
    fn any_table_of_numbers_survives(rows in proptest::collection::vec((any::<f64>(), any::<f64>()), 1..20)) {
        let finite: Vec<f64> = rows.iter().flat_map(|r| [r.0, r.1]).map(|v| if v.is_finite() { v } else { 0.0 }).collect();
        let data = Dataset::new(Matrix::from_rows(rows.len(), 2, finite), Targets::None).unwrap();
        let folder = Folder::new();
        data.save(&folder.path("t.csv")).unwrap();
        let back = load_csv(&folder.path("t.csv"), &CsvOptions { target: TargetColumn::Nothing, ..Default::default() }).unwrap();
        prop_assert_eq!(back.inputs.data.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), data.inputs.data.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
    }
}
