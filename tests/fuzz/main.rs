//! The targets of the fuzzer hold on their corpora: what it found once, and an example of each
//! kind.

mod targets;

use std::fs;
use std::path::Path;

#[test]
fn every_target_holds_on_its_corpus() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    for (name, target) in targets::TARGETS {
        let files = fs::read_dir(corpora.join(name)).expect("each target has a corpus");
        let mut count = 0;
        for file in files {
            let path = file.expect("the corpus can be listed").path();
            // Shown where the target panics.
            println!("{}", path.display());
            target(&fs::read(path).expect("the corpus can be read"));
            count += 1;
        }
        assert!(count > 0, "the corpus of {name} is empty");
    }
}
