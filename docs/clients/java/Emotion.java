import static java.nio.charset.StandardCharsets.UTF_8;
import static javax.sound.sampled.AudioFormat.Encoding.PCM_FLOAT;
import ai.onnxruntime.*;
import com.google.gson.Gson;
import java.io.*;
import java.net.URI;
import java.net.http.*;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.*;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.*;
import javax.sound.sampled.*;

/** Recognises the emotion in a WAV file: Emotion SERVER RECORDING. */
public class Emotion {
    record Part(String name, String url, String sha256, int sampleRate) {}
    record Recordings(Part[] extractors) {}
    record Handshake(Recordings recordings, Part[] references) {}
    record Verdict(String verdict, Verdict prosody) {}
    record Features(Object mfccs, Object prosody, String reference) {}
    static final HttpClient http = HttpClient.newHttpClient();
    static final OrtEnvironment runtime = OrtEnvironment.getEnvironment();
    static String server;
    static Handshake handshake;

    static <T> T read(byte[] json, Class<T> type) {
        return new Gson().fromJson(new String(json, UTF_8), type);
    }

    static byte[] ask(String path, Features body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(server + path));
        request.header("Content-Type", "application/json");
        if (body != null) request.POST(BodyPublishers.ofString(new Gson().toJson(body)));
        var answer = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() == 200) return answer.body();
        throw new IOException(path + ": " + new String(answer.body(), UTF_8));
    }

    static OrtSession extractor(float rate) throws Exception { // a real client keeps it
        for (Part file : handshake.recordings.extractors) {
            if (file.sampleRate != rate) continue;
            byte[] graph = ask(file.url, null);
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(graph);
            if (!HexFormat.of().formatHex(hash).equals(file.sha256))
                throw new IOException("The extractor has another hash than the handshake says.");
            return runtime.createSession(graph);
        }
        throw new IOException("There is no extractor for " + rate + " Hz; resample it.");
    }

    static Features features(byte[] recording, String reference) throws Exception { // of PCM
        var audio = AudioSystem.getAudioInputStream(new ByteArrayInputStream(recording));
        float rate = audio.getFormat().getSampleRate();
        int channels = audio.getFormat().getChannels();
        var floats = new AudioFormat(PCM_FLOAT, rate, 32, channels, 4 * channels, rate, false);
        byte[] bytes = AudioSystem.getAudioInputStream(floats, audio).readAllBytes();
        var samples = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        long[] shape = {samples.remaining() / channels, channels};
        try (var session = extractor(rate);
                var input = OnnxTensor.createTensor(runtime, samples, shape);
                var found = session.run(Map.of("audio", input))) {
            Object frames = found.get("frames").get().getValue();
            return new Features(frames, found.get("prosody").get().getValue(), reference);
        }
    }

    public static void main(String[] arguments) throws Exception {
        server = arguments[0];
        handshake = read(ask("/init/configuration", null), Handshake.class);
        for (Part clip : handshake.references) {
            byte[] answer = ask("/init/verification", features(ask(clip.url, null), clip.name));
            Verdict of = read(answer, Verdict.class);
            System.out.println(clip.name + ": " + of.verdict + ", prosody: " + of.prosody.verdict);
        }
        Features found = features(Files.readAllBytes(Path.of(arguments[1])), null);
        System.out.println(new String(ask("/prediction/TCN", found), UTF_8));
    }
}
