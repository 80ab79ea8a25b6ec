// Recognises the emotion in a WAV file: dotnet run -- SERVER RECORDING
using System.Net.Http.Json;
using System.Security.Cryptography;
using Microsoft.ML.OnnxRuntime;
using NAudio.Wave;

using var http = new HttpClient();
var server = args[0];
var handshake = (await http.GetFromJsonAsync<Handshake>(server + "/init/configuration"))!;

foreach (var clip in handshake.References)
{
    var body = await Features(await http.GetStreamAsync(server + clip.Url));
    body["reference"] = clip.Name;
    var told = await (await Post("/init/verification", body)).ReadFromJsonAsync<Verification>();
    Console.WriteLine($"{clip.Name}: {told!.Verdict}, prosody: {told.Prosody!.Verdict}");
}
var answer = await Post("/prediction/TCN", await Features(File.OpenRead(args[1])));
Console.WriteLine(await answer.ReadAsStringAsync());

async Task<HttpContent> Post(string path, Dictionary<string, object> body)
{
    var answer = await http.PostAsJsonAsync(server + path, body);
    if (answer.IsSuccessStatusCode) return answer.Content;
    throw new HttpRequestException($"{path}: {await answer.Content.ReadAsStringAsync()}");
}

async Task<InferenceSession> Extractor(int rate) // a real client keeps it
{
    var file = handshake.Recordings.Extractors.FirstOrDefault(each => each.SampleRate == rate)
        ?? throw new NotSupportedException($"There is no extractor for {rate} Hz; resample it.");
    var graph = await http.GetByteArrayAsync(server + file.Url);
    if (Convert.ToHexString(SHA256.HashData(graph)).ToLowerInvariant() != file.Sha256)
        throw new InvalidDataException("The extractor has another hash than the handshake says.");
    return new InferenceSession(graph);
}

async Task<Dictionary<string, object>> Features(Stream file) // of PCM with any number of channels
{
    using var content = new MemoryStream();
    await file.CopyToAsync(content);
    content.Position = 0;
    using var reader = new WaveFileReader(content);
    var channels = reader.WaveFormat.Channels;
    var samples = new float[reader.SampleCount * channels];
    var count = reader.ToSampleProvider().Read(samples, 0, samples.Length);
    long[] shape = [count / channels, channels];
    using var session = await Extractor(reader.WaveFormat.SampleRate);
    using var audio = OrtValue.CreateTensorValueFromMemory(samples, shape);
    var inputs = new Dictionary<string, OrtValue> { ["audio"] = audio };
    using var found = session.Run(new RunOptions(), inputs, ["frames", "prosody"]);
    return new() { ["mfccs"] = Rows(found[0]), ["prosody"] = Rows(found[1]) };
}

float[][] Rows(OrtValue value)
{
    var width = (int)value.GetTensorTypeAndShape().Shape[1];
    return value.GetTensorDataAsSpan<float>().ToArray().Chunk(width).ToArray();
}

record Part(string Name, string Url, string Sha256, int SampleRate);
record Recordings(Part[] Extractors);
record Handshake(Recordings Recordings, Part[] References);
record Verification(string Verdict, Verification? Prosody);
