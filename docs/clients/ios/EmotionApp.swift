import AVFoundation
import CryptoKit
import OnnxRuntimeBindings
import SwiftUI
let server = "http://localhost:8080", runtime = try! ORTEnv(loggingLevel: .warning)
struct Part: Decodable { let name: String?, url: String, sha256: String, sampleRate: Double }
struct Recordings: Decodable { let extractors: [Part] }
struct Handshake: Decodable { let recordings: Recordings, references: [Part] }
struct Features: Encodable { let mfccs: [[Float]], prosody: [[Float]], reference: String? }
struct Failure: Error { let reason: String }

func ask(_ path: String, _ body: Features? = nil) async throws -> Data {
    var request = URLRequest(url: URL(string: server + path)!)
    request.setValue("application/json", forHTTPHeaderField: "Content-Type")
    if let body { request.httpMethod = "POST"; request.httpBody = try JSONEncoder().encode(body) }
    let (data, answer) = try await URLSession.shared.data(for: request)
    if (answer as? HTTPURLResponse)?.statusCode == 200 { return data }
    throw Failure(reason: path + ": " + String(decoding: data, as: UTF8.self))
}

func saved(_ part: Part) async throws -> URL { // a real client keeps the extractor
    let data = try await ask(part.url), name = URL(string: part.url)!.lastPathComponent
    let hash = SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
    if hash != part.sha256 { throw Failure(reason: "\(name) has another hash than expected.") }
    try data.write(to: .temporaryDirectory.appending(path: name))
    return .temporaryDirectory.appending(path: name)
}

func features(_ recording: URL, _ told: Handshake, _ clip: String?) async throws -> Features {
    let file = try AVAudioFile(forReading: recording), format = file.processingFormat
    let audio = AVAudioPCMBuffer(pcmFormat: format, frameCapacity: AVAudioFrameCount(file.length))!
    try file.read(into: audio)
    let part = told.recordings.extractors.first { $0.sampleRate == format.sampleRate }
    guard let part else { throw Failure(reason: "No extractor is for \(format.sampleRate) Hz.") }
    let graph = try await ORTSession(env: runtime, modelPath: saved(part).path, sessionOptions: nil)
    let width = Int(format.channelCount), count = Int(audio.frameLength), pcm = audio.floatChannelData!
    let samples = (0..<count * width).map { pcm[$0 % width][$0 / width] }
    let data = NSMutableData(data: samples.withUnsafeBytes { Data($0) })
    let shape = [NSNumber(value: count), NSNumber(value: width)]
    let input = ["audio": try ORTValue(tensorData: data, elementType: .float, shape: shape)]
    let found = try graph.run(withInputs: input, outputNames: ["frames", "prosody"], runOptions: nil)
    func rows(_ output: String, _ width: Int) throws -> [[Float]] {
        let bytes = try found[output]!.tensorData() as Data
        let numbers = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        return stride(from: 0, to: numbers.count, by: width).map { Array(numbers[$0..<$0 + width]) }
    }
    return try Features(mfccs: rows("frames", 25), prosody: rows("prosody", 3), reference: clip)
}

func recorded(seconds: Double) async throws -> URL {
    try AVAudioSession.sharedInstance().setCategory(.record, mode: .measurement) // no effects
    try AVAudioSession.sharedInstance().setActive(true)
    let engine = AVAudioEngine(), format = engine.inputNode.outputFormat(forBus: 0)
    let path = URL.temporaryDirectory.appending(path: "recording.caf")
    let file = try AVAudioFile(forWriting: path, settings: format.settings)
    let write: AVAudioNodeTapBlock = { part, _ in try? file.write(from: part) }
    engine.inputNode.installTap(onBus: 0, bufferSize: 4096, format: format, block: write)
    try engine.start()
    try await Task.sleep(for: .seconds(seconds))
    engine.stop()
    return path
}

func recognise(_ say: (Data) -> Void) async throws {
    let told = try JSONDecoder().decode(Handshake.self, from: await ask("/init/configuration"))
    for clip in told.references {
        say(try await ask("/init/verification", features(saved(clip), told, clip.name)))
    }
    _ = await AVAudioApplication.requestRecordPermission()
    say(Data("Speak for four seconds.".utf8))
    say(try await ask("/prediction/TCN", features(recorded(seconds: 4), told, nil)))
}

@main struct EmotionApp: App {
    @State private var text = ""
    func say(_ line: Data) { text += String(decoding: line, as: UTF8.self) + "\n" }
    func run() async { do { try await recognise(say) } catch { text += "\(error)" } }
    var body: some Scene { WindowGroup { ScrollView { Text(text) }.task { await run() } } }
}
