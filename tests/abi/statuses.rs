//! Every function and every status, each caused.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::Mutex;

use crate::host::{Host, Pixels};
use crate::library::*;

#[test]
fn what_can_be_asked_is_answered() {
    let Some(api) = Api::shared() else { return };
    assert_eq!(api.abi(), impasto_abi::IMPASTO_ABI);
    // SAFETY: it lives as long as the library.
    let version = unsafe { CStr::from_ptr(api.version()) };
    assert_eq!(version.to_str(), Ok(env!("CARGO_PKG_VERSION")));
    let devices = api.json(Api::devices);
    assert_eq!((&devices[0]["device"], &devices[0]["works"]), (&"cpu".into(), &true.into()));
    let models = api.json(Api::models);
    assert_eq!((&models[0]["name"], &models[0]["default"]), (&"compact".into(), &true.into()));
    let schema = api.json(Api::params_schema);
    assert_eq!(schema["properties"]["iterations"]["default"], 36);
    let engine = api.small();
    let info = api.json(|a, to| a.engine_info(engine, to));
    assert_eq!(
        (&info["model"], &info["device"], &info["threads"]),
        (&"compact".into(), &"cpu".into(), &2.into())
    );
    let mut host = Host::new();
    let plan = host.with(|job| api.json(|a, to| a.plan(engine, job, to)));
    assert_eq!((&plan["size"], &plan["settings"]["iterations"]), (&serde_json::json!([36, 48]), &6.into()));
    assert!(plan["memory"].as_u64() > Some(50 << 20));
    let level = serde_json::json!({ "size": [36, 48], "evaluations": 6, "cost": 36 * 48 });
    assert_eq!(plan["levels"], serde_json::json!([level]));
    let report = host.with(|job| api.json(|a, to| a.stylise(engine, job, to)));
    assert_eq!(report["losses"].as_array().map(Vec::len), Some(6));
    api.engine_free(engine);
    api.engine_free(null_mut());
    api.string_free(null_mut());
}

/// Runs a job that must fail and leave the output alone.
fn refused(api: &Api, engine: *mut Engine, status: i32, wanted: &str, change: impl FnOnce(&mut Job)) {
    let mut host = Host::new();
    let before = host.output.bytes.clone();
    let mut text = null_mut();
    host.with(|job| {
        change(job);
        assert_eq!(api.stylise(engine, job, &mut text), status, "{}", api.error());
        let said = api.error();
        assert!(said.contains(wanted), "no '{wanted}' in: {said}");
        assert_eq!(api.plan(engine, job, null_mut()), status, "{}", api.error());
    });
    assert!(text.is_null());
    assert_eq!(host.output.bytes, before);
}

#[test]
fn bad_calls_are_refused_with_a_reason() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let bad = |status, wanted: &str, change: &dyn Fn(&mut Job)| refused(api, engine, status, wanted, change);
    bad(INVALID_ARGUMENT, "content: data is NULL", &|j| j.content.data = null_mut());
    bad(INVALID_ARGUMENT, "output: data is NULL", &|j| j.output.data = null_mut());
    bad(INVALID_ARGUMENT, "styles", &|j| j.styles = null());
    bad(INVALID_ARGUMENT, "style_count 0", &|j| j.style_count = 0);
    bad(INVALID_ARGUMENT, "style_count 65", &|j| j.style_count = 65);
    bad(INVALID_ARGUMENT, "on_cancel", &|j| j.on_cancel = 2);
    bad(INVALID_ARGUMENT, "reserved", &|j| j.reserved = 1);
    bad(PICTURE, "layout 0", &|j| j.content.layout = 0);
    bad(PICTURE, "layout 5", &|j| j.content.layout = 5);
    bad(PICTURE, "sample 3", &|j| j.content.sample = 3);
    bad(PICTURE, "encoding 2", &|j| j.content.encoding = 2);
    bad(PICTURE, "reserved is 7", &|j| j.content.reserved = 7);
    bad(PICTURE, "smallest picture", &|j| j.content.width = 0);
    bad(PICTURE, "smallest picture", &|j| j.content.height = 15);
    bad(PICTURE, "at most", &|j| (j.content.width, j.content.height) = (u32::MAX, u32::MAX));
    bad(PICTURE, "stride is -144", &|j| j.content.stride = -144);
    bad(PICTURE, "stride is 143", &|j| j.content.stride = 143);
    bad(PICTURE, "do not fit", &|j| j.content.stride = isize::MAX);
    bad(PICTURE, "do not fit", &|j| j.output.stride = isize::MAX / 8);
    bad(INVALID_ARGUMENT, "overlaps", &|j| j.output.data = j.content.data.wrapping_byte_add(3));
    bad(INVALID_ARGUMENT, "overlaps", &|j| {
        (j.output.data, j.output.height) = (j.content.data, 20);
    });
    // SAFETY: the job's styles are alive.
    bad(INVALID_ARGUMENT, "overlaps", &|j| j.output.data = unsafe { (*j.styles).picture.data });
    for json in ["{", "[]", "{\"size\": \"large\"}", "nonsense"] {
        let text = std::ffi::CString::new(json).expect("no NUL");
        bad(PARAMETERS, "cannot be read", &|j| j.params = text.as_ptr());
    }
    let text = c"{\"sise\": 48}";
    bad(PARAMETERS, "sise", &|j| j.params = text.as_ptr());
    let text = c"{\"strength\": 101}";
    bad(PARAMETERS, "strength", &|j| j.params = text.as_ptr());
    let text = c"{\"size\": 15}";
    bad(PARAMETERS, "size", &|j| j.params = text.as_ptr());
    let text = c"{\"style_taps\": [\"relu9_1\"]}";
    bad(MODEL, "relu9_1", &|j| j.params = text.as_ptr());
    let text = c"{\"size\": 32768, \"style_size\": 64}";
    bad(MEMORY, "memory", &|j| j.params = text.as_ptr());
    let text: &[u8] = b"{\"size\": 48, \"\xff\": 1}\0";
    bad(INVALID_ARGUMENT, "UTF-8", &|j| j.params = text.as_ptr().cast());
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        let style = |j: &Job| Style {
            weight,
            // SAFETY: the job's styles are alive.
            ..unsafe { *j.styles }
        };
        refused(api, engine, PARAMETERS, "weight", |j| j.styles = Box::leak(Box::new(style(j))));
    }
    for (status, name) in [(PARAMETERS, c"nobody's"), (PARAMETERS, c""), (INVALID_ARGUMENT, c"\xff")] {
        let style = Style { name: name.as_ptr(), weight: 1.0, ..Style::zeroed() };
        refused(api, engine, status, "style", |j| j.styles = &style);
    }
    let mut small = Pixels::new(47, 36, 1, 1, 0);
    let small = small.descriptor();
    bad(PICTURE, "same size", &|j| j.mask = &small);
    assert_eq!(api.stylise(null(), null(), null_mut()), INVALID_ARGUMENT);
    assert_eq!(api.stylise(engine, null(), null_mut()), INVALID_ARGUMENT);
    assert_eq!(Host::new().with(|j| api.plan(null(), j, null_mut())), INVALID_ARGUMENT);
    api.engine_free(engine);
}

#[test]
fn a_mask_that_selects_nothing_is_refused() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let mut host = Host::new();
    let mut mask = Pixels::new(48, 36, 1, 1, 0);
    mask.bytes.fill(0);
    host.mask = Some(mask);
    let before = host.output.bytes.clone();
    assert_eq!(host.run(api, engine), PICTURE);
    assert!(api.error().contains("selects nothing"));
    assert_eq!(host.output.bytes, before);
    api.engine_free(engine);
}

#[test]
fn bad_engines_are_refused_with_a_reason() {
    let Some(api) = Api::shared() else { return };
    let mut engine = null_mut();
    let mut refuse = |options: &CStr, status: i32, wanted: &str| {
        assert_eq!(api.engine_new(options.as_ptr(), &mut engine), status, "{}", api.error());
        assert!(api.error().contains(wanted), "{}", api.error());
        assert!(engine.is_null());
    };
    refuse(c"{\"modell\": \"compact\"}", PARAMETERS, "modell");
    refuse(c"{\"threads\": 5000}", PARAMETERS, "threads");
    refuse(c"{\"device\": \"tpu\"}", PARAMETERS, "tpu");
    refuse(c"{\"model\": \"nobody\"}", MODEL, "compact");
    refuse(c"{\"model\": \"/nowhere/vgg.safetensors\"}", MODEL, "/nowhere/vgg.safetensors");
    if api.json(Api::devices)[1]["works"] == false {
        refuse(c"{\"device\": \"cuda\"}", RUNTIME, "cuda:0");
    }
    assert_eq!(api.engine_new(null(), null_mut()), INVALID_ARGUMENT);
    let json: [fn(&Api, *mut *mut c_char) -> i32; 3] = [Api::devices, Api::models, Api::params_schema];
    for call in json {
        assert_eq!(call(api, null_mut()), INVALID_ARGUMENT);
    }
    assert_eq!(api.engine_info(null(), null_mut()), INVALID_ARGUMENT);
    // A budget that is too small.
    let engine = api.engine(r#"{"device": "cpu", "memory": 1000000}"#);
    assert_eq!(Host::new().run(api, engine), MEMORY);
    assert!(api.error().contains("MiB"), "{}", api.error());
    api.engine_free(engine);
}

#[test]
fn messages_reach_the_callback() {
    static SEEN: Mutex<Vec<(u32, String)>> = Mutex::new(Vec::new());
    unsafe extern "C" fn log(level: u32, text: *const c_char, user_data: *mut c_void) {
        assert_eq!(user_data as usize, 42);
        // SAFETY: the text lives until this returns.
        let text = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
        SEEN.lock().expect("not poisoned").push((level, text));
    }
    let Some(api) = Api::shared() else { return };
    api.set_log(Some(log), 4, 42 as *mut c_void);
    let engine = api.engine("{}");
    assert_eq!(Host::new().run(api, engine), OK);
    api.set_log(None, 0, null_mut());
    let seen = SEEN.lock().expect("not poisoned").clone();
    assert!(seen.iter().all(|(level, text)| (1..=4).contains(level) && !text.is_empty()));
    assert!(!seen.is_empty(), "nothing was said at debug level");
    api.engine_free(engine);
}
