import com.google.gson.Gson;
import java.util.List;
import okhttp3.*;

/** Calls a server as the first Android app does, with OkHttp and Gson, and prints what it reads. */
public class FirstAndroidApp {
    static class Configuration { int numberOfMfccs; }
    static class Mfccs { List<Float> mfccs; }
    static class Result { String emotionType; float prediction; }
    static class Prediction { List<Result> results; }

    static final MediaType JSON = MediaType.get("application/json; charset=UTF-8");
    static final OkHttpClient CLIENT = new OkHttpClient();
    static final Gson GSON = new Gson();

    /** Arguments: the server's URL, the MFCCs as JSON, and the networks to ask. */
    public static void main(String[] arguments) throws Exception {
        Request handshake = new Request.Builder().url(arguments[0] + "/configuration/init").build();
        try (Response answer = CLIENT.newCall(handshake).execute()) {
            System.out.println(GSON.fromJson(answer.body().charStream(), Configuration.class).numberOfMfccs);
        }
        RequestBody body = RequestBody.create(JSON, GSON.toJson(GSON.fromJson(arguments[1], Mfccs.class)));
        for (int index = 2; index < arguments.length; index++) {
            String url = arguments[0] + "/prediction/" + arguments[index];
            try (Response answer = CLIENT.newCall(new Request.Builder().url(url).post(body).build()).execute()) {
                System.out.println(answer.code());
                Prediction found = GSON.fromJson(answer.body().charStream(), Prediction.class);
                if (found.results != null) System.out.println(GSON.toJson(found.results));
            }
        }
        CLIENT.connectionPool().evictAll();
        CLIENT.dispatcher().executorService().shutdown();
    }
}
