// Sends the bodies of a file with the generated client, and prints the probabilities.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	client "client"
)

type body struct {
	Network string
	Mfccs   []interface{}
	Prosody []interface{}
}

func main() {
	configuration := client.NewConfiguration()
	configuration.Servers = client.ServerConfigurations{{URL: os.Args[1]}}
	api := client.NewAPIClient(configuration)

	handshake, _, err := api.InitialisationAPI.GetConfiguration(context.Background()).Execute()
	check(err)
	networks := []string{}
	for _, network := range handshake.Networks {
		networks = append(networks, network.NetworkType)
	}
	print(networks)

	text, err := os.ReadFile(os.Args[2])
	check(err)
	var bodies []body
	check(json.Unmarshal(text, &bodies))
	for _, each := range bodies {
		mfccs := client.NewMfccs(each.Mfccs)
		if each.Prosody != nil {
			mfccs.SetProsody(each.Prosody)
		}
		request := api.PredictionAPI.Predict(context.Background(), each.Network).Mfccs(*mfccs)
		found, _, err := request.Execute()
		check(err)
		probabilities := []float32{}
		for _, result := range found.Results {
			probabilities = append(probabilities, result.Prediction)
		}
		print(probabilities)
	}
}

func print(values interface{}) {
	line, err := json.Marshal(values)
	check(err)
	fmt.Println(string(line))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
