export type { Prediction, Verification } from "./answers.js";
export { Client, type ClientOptions } from "./client.js";
export * from "./errors.js";
export { FeatureExtractor, type Features, type Shape } from "./extractor.js";
export type { Handshake, Network, PublishedFile } from "./handshake.js";
export type { Recipe } from "./recipe.js";
export { serveExtractor, type Port } from "./worker.js";
