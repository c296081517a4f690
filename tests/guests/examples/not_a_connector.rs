//! A sound component of another world.

wit_bindgen::generate!({
    inline: "package other:greeter@1.0.0; world greeter { export greet: func() -> string; }",
});

struct Greeter;

impl Guest for Greeter {
    fn greet() -> String {
        "hello".to_owned()
    }
}

export!(Greeter);
