import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.InitialisationApi;
import org.openapitools.client.api.PredictionApi;
import org.openapitools.client.model.Handshake;
import org.openapitools.client.model.Mfccs;
import org.openapitools.client.model.Prediction;

/** Sends the bodies of a file with the generated client, and prints the probabilities. */
public class Send {
    @SuppressWarnings("unchecked")
    public static void main(String[] arguments) throws Exception {
        ApiClient client = new ApiClient();
        client.updateBaseUri(arguments[0]);
        ObjectMapper json = new ObjectMapper();
        Handshake handshake = new InitialisationApi(client).getConfiguration(null);
        print(json, handshake.getNetworks().stream().map(each -> each.getNetworkType()).toList());

        PredictionApi api = new PredictionApi(client);
        for (Map<String, Object> body : json.readValue(new File(arguments[1]), Map[].class)) {
            Mfccs mfccs = new Mfccs().mfccs((List<Object>) body.get("mfccs"));
            if (body.get("prosody") != null) mfccs.prosody((List<Object>) body.get("prosody"));
            Prediction found = api.predict((String) body.get("network"), mfccs, null, null);
            print(json, found.getResults().stream().map(each -> each.getPrediction()).toList());
        }
    }

    private static void print(ObjectMapper json, List<?> values) throws Exception {
        System.out.println(json.writeValueAsString(values));
    }
}
