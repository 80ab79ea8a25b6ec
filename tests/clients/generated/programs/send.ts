/** Sends the bodies of a file with the generated client, and prints the probabilities. */
import { readFileSync } from "node:fs";
import { Configuration, InitialisationApi, type Mfccs, PredictionApi } from "./index";

interface Body {
  network: string;
  mfccs: number[] | number[][];
  prosody?: number[] | number[][];
}

async function send(basePath: string, file: string): Promise<void> {
  const configuration = new Configuration({ basePath });
  const handshake = await new InitialisationApi(configuration).getConfiguration();
  console.log(JSON.stringify(handshake.networks.map((network) => network.networkType)));

  const api = new PredictionApi(configuration);
  for (const { network, mfccs, prosody } of JSON.parse(readFileSync(file, "utf8")) as Body[]) {
    const body: Mfccs = { mfccs, prosody };
    const found = await api.predict({ networkType: network, mfccs: body });
    console.log(JSON.stringify(found.results.map((result) => result.prediction)));
  }
}

void send(process.argv[2]!, process.argv[3]!);
