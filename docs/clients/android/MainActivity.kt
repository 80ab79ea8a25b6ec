package org.example.emotion

import ai.onnxruntime.*
import android.Manifest.permission.RECORD_AUDIO
import android.app.Activity
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.media.*
import android.os.Bundle
import java.nio.*
import okhttp3.*
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.RequestBody.Companion.toRequestBody
import org.json.*

const val SERVER = "http://10.0.2.2:8080" // from the emulator: the computer that it runs on
const val RATE = 48_000 // of the microphone, in hertz

class MainActivity : Activity() {
    private val runtime = OrtEnvironment.getEnvironment()
    private val http = OkHttpClient()

    override fun onCreate(state: Bundle?) =
        super.onCreate(state).also { requestPermissions(arrayOf(RECORD_AUDIO), 0) }

    override fun onRequestPermissionsResult(code: Int, names: Array<String>, granted: IntArray) {
        val view = android.widget.TextView(this).also(::setContentView)
        val say = { line: String -> runOnUiThread { view.append(line + "\n") } }
        if (PERMISSION_GRANTED !in granted) return say("This needs the microphone.")
        Thread { runCatching { recognise(say) }.onFailure { say(it.toString()) } }.start()
    }

    private fun recognise(say: (String) -> Unit) {
        val told = document(ask("/init/configuration"))
        val files = told.getJSONObject("recordings").getJSONArray("extractors").objects()
        val file = files.first { it["sampleRate"] == RATE }
        val graph = ask(file.getString("url")) // a real client keeps it, named after its hash
        val hash = java.security.MessageDigest.getInstance("SHA-256").digest(graph)
        check(hash.joinToString("") { "%02x".format(it) } == file.getString("sha256"))
        val extractor = runtime.createSession(graph)
        for (clip in told.getJSONArray("references").objects().filter { it["sampleRate"] == RATE }) {
            val wav = ByteBuffer.wrap(ask(clip.getString("url"))).order(ByteOrder.LITTLE_ENDIAN)
            val samples = FloatArray((wav.limit() - 44) / 2) { wav.getShort(44 + 2 * it) / 32768f }
            val body = extractor.features(samples, clip.getLong("channels"))
            val answer = document(ask("/init/verification", body.put("reference", clip["name"])))
            say("${clip["name"]}: ${answer["verdict"]}, ${answer.getJSONObject("prosody")["verdict"]}")
        }
        say("Speak for four seconds.")
        say(document(ask("/prediction/TCN", extractor.features(recorded(4 * RATE), 1))).toString(1))
    }

    private fun recorded(count: Int): FloatArray {
        val (mono, float) = AudioFormat.CHANNEL_IN_MONO to AudioFormat.ENCODING_PCM_FLOAT
        val input = AudioRecord(MediaRecorder.AudioSource.VOICE_RECOGNITION, RATE, mono, float, 4 * RATE)
        input.startRecording() // VOICE_RECOGNITION is without the effects of calls
        return FloatArray(count).also { input.read(it, 0, count, AudioRecord.READ_BLOCKING) }
            .also { input.release() }
    }

    private fun OrtSession.features(samples: FloatArray, channels: Long): JSONObject {
        val shape = longArrayOf(samples.size / channels, channels)
        val audio = OnnxTensor.createTensor(runtime, FloatBuffer.wrap(samples), shape)
        audio.use { run(mapOf("audio" to it)) }.use { found ->
            fun rows(name: String) = JSONArray(found[name].get().value)
            return JSONObject().put("mfccs", rows("frames")).put("prosody", rows("prosody"))
        }
    }

    private fun ask(path: String, body: JSONObject? = null): ByteArray {
        val request = Request.Builder().url(SERVER + path)
        if (body != null) request.post("$body".toRequestBody("application/json".toMediaType()))
        http.newCall(request.build()).execute().use { answer ->
            if (!answer.isSuccessful) error(path + ": " + answer.body!!.string())
            return answer.body!!.bytes()
        }
    }

    private fun document(text: ByteArray) = JSONObject(text.decodeToString())
    private fun JSONArray.objects() = List(length(), ::getJSONObject)
}
