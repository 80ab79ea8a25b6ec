// Recognises the emotion in a recording: emotion SERVER RECORDING
#include <curl/curl.h>
#include <onnxruntime_cxx_api.h>
#include <openssl/sha.h>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sndfile.hh>
using nlohmann::json;
using std::runtime_error, std::string;
string server;
json handshake;
Ort::Env runtime;

string ask(const string &path, const json &body = nullptr) {
    static CURL *request = curl_easy_init();
    static auto headers = curl_slist_append(nullptr, "Content-Type: application/json");
    auto append = +[](char *data, size_t size, size_t count, string *answer) {
        return answer->append(data, size * count), size * count;
    };
    string answer, text = body.dump();
    long status = 0;
    curl_easy_reset(request);
    curl_easy_setopt(request, CURLOPT_URL, (server + path).c_str());
    curl_easy_setopt(request, CURLOPT_HTTPHEADER, headers);
    if (!body.is_null()) curl_easy_setopt(request, CURLOPT_POSTFIELDS, text.c_str());
    curl_easy_setopt(request, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(request, CURLOPT_WRITEDATA, &answer);
    CURLcode failure = curl_easy_perform(request);
    if (failure) throw runtime_error(path + ": " + curl_easy_strerror(failure));
    curl_easy_getinfo(request, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) throw runtime_error(path + ": " + answer);
    return answer;
}

Ort::Session extractor(int rate) { // the server's graph for this rate; a real client keeps it
    for (const json &file : handshake["recordings"]["extractors"]) {
        if (file["sampleRate"] != rate) continue;
        string graph = ask(file["url"]), hex(65, '\0');
        auto hash = SHA256((const unsigned char *)graph.data(), graph.size(), nullptr);
        for (int i = 0; i < 32; i++) snprintf(&hex[2 * i], 3, "%02x", hash[i]);
        if (file["sha256"] != hex.c_str()) throw runtime_error("The extractor has another hash.");
        return Ort::Session(runtime, graph.data(), graph.size(), Ort::SessionOptions());
    }
    throw runtime_error("There is no extractor for this rate; resample to a higher one.");
}

json features(const string &path) { // of any file that libsndfile reads
    SndfileHandle file(path);
    if (file.error()) throw runtime_error(path + ": " + file.strError());
    std::vector<float> samples(file.frames() * file.channels());
    int64_t shape[] = {file.readf(samples.data(), file.frames()), file.channels()};
    auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    auto audio = Ort::Value::CreateTensor<float>(memory, samples.data(), samples.size(), shape, 2);
    const char *input = "audio", *outputs[] = {"frames", "prosody"};
    auto found = extractor(file.samplerate()).Run({}, &input, &audio, 1, outputs, 2);
    json body;
    for (int i = 0; i < 2; i++) {
        auto size = found[i].GetTensorTypeAndShapeInfo().GetShape(); // rows, columns
        const float *row = found[i].GetTensorData<float>();
        for (int64_t n = 0; n < size[0]; n++, row += size[1])
            body[i ? "prosody" : "mfccs"].push_back(std::vector<float>(row, row + size[1]));
    }
    return body;
}

int main(int, char **arguments) {
    server = arguments[1];
    handshake = json::parse(ask("/init/configuration"));
    for (const json &clip : handshake["references"]) {
        std::ofstream("reference.wav", std::ios::binary) << ask(clip["url"]);
        json body = features("reference.wav");
        body["reference"] = clip["name"];
        json told = json::parse(ask("/init/verification", body));
        std::cout << clip["name"].get<string>() << ": " << told["verdict"].get<string>()
                  << ", prosody: " << told["prosody"]["verdict"].get<string>() << std::endl;
    }
    std::cout << ask("/prediction/TCN", features(arguments[2])) << std::endl;
}
