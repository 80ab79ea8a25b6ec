//! Sends the bodies of a file as generated models, and prints the probabilities.

use std::io::{Read, Write};
use std::net::TcpStream;

mod models;

#[derive(serde::Deserialize)]
struct Body {
    network: String,
    mfccs: Vec<serde_json::Value>,
    prosody: Option<Vec<serde_json::Value>>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let text = std::fs::read_to_string(&arguments[2]).unwrap();
    let bodies: Vec<Body> = serde_json::from_str(&text).unwrap();
    for body in bodies {
        let mut mfccs = models::Mfccs::new(body.mfccs);
        mfccs.prosody = body.prosody;
        let answer = post(&arguments[1], &body.network, &serde_json::to_string(&mfccs).unwrap());
        let found: models::Prediction = serde_json::from_str(&answer).unwrap();
        let probabilities: Vec<f64> = found.results.iter().map(|each| each.prediction).collect();
        println!("{}", serde_json::to_string(&probabilities).unwrap());
    }
}

/// The body of the answer.
fn post(server: &str, network: &str, body: &str) -> String {
    let address = server.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /prediction/{network} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_string()
}
