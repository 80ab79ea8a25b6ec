/** The page's side of the worker: an Engine that forwards each call to the worker. */

import { Fault } from "../faults.js";
import type { Engine, FromWorker, Method, SentRequest } from "./messages.js";

/** Receives every request that the worker makes. */
export interface RequestObserver {
  /** Called for each request of the client. */
  sent(request: SentRequest): void;
  /** Called with the addresses of all resources that the browser fetched in the worker. */
  fetched(urls: readonly string[]): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(fault: Fault): void;
}

export function startEngine(observer: RequestObserver): Engine {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const waiting = new Map<number, Waiting>();
  let calls = 0;

  const call = (method: Method, args: readonly unknown[]): Promise<never> =>
    new Promise((resolve, reject) => {
      waiting.set(++calls, { resolve: resolve as (value: unknown) => void, reject });
      worker.postMessage({ id: calls, method, args });
    });

  worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
    if ("sent" in data) return observer.sent(data.sent);
    if ("fetched" in data) return observer.fetched(data.fetched);
    const caller = waiting.get(data.id);
    waiting.delete(data.id);
    if ("fault" in data) caller?.reject(new Fault(data.fault));
    else caller?.resolve(data.value);
  });

  worker.addEventListener("error", ({ message }) => {
    for (const { reject } of waiting.values()) {
      reject(new Fault({ kind: "extractor", detail: message }));
    }
    waiting.clear();
  });

  return {
    connect: (...args) => call("connect", args),
    verify: (...args) => call("verify", args),
    resample: (...args) => call("resample", args),
    extract: (...args) => call("extract", args),
    predict: (...args) => call("predict", args),
  };
}
