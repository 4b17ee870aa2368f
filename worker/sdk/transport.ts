/**
 * How requests reach a master: over HTTP, or by a call in the same process.
 *
 * A transport adds what belongs to the way (credentials, a proxy) and knows nothing of calls,
 * streams and retries. It rejects only when there is no answer: any status is an answer. Redirects
 * are the caller's: a transport hands a 307 back as it is.
 */
export interface Transport {
  /**
   * Answers once the response's head is there. Aborting `signal` rejects, and later ends the body.
   * It is apart from the request because Node's Request follows a signal through a weak reference
   * only: once the request is collected, an abort would reach nobody (seen with Node 20.20).
   */
  send(request: Request, signal: AbortSignal): Promise<Response>;
}

export interface HttpTransportOptions {
  /** Sent with every request, for example an Authorization header. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The transport over the platform's own `fetch`. */
export function httpTransport(options: HttpTransportOptions = {}): Transport {
  const headers = Object.entries(options.headers ?? {});
  return {
    send: (request, signal) => {
      for (const [name, value] of headers) request.headers.set(name, value);
      return fetch(request, { signal });
    },
  };
}

/** A function that answers requests in this process, such as a hono app's `fetch`. */
export type RequestHandler = (request: Request) => Response | Promise<Response>;

/**
 * The transport that calls `handle`; such handlers rarely look at the signal, so it is kept here.
 */
export function inProcessTransport(handle: RequestHandler): Transport {
  return {
    send: async (request, signal) => {
      signal.throwIfAborted();
      const response = await abortable(Promise.resolve(handle(request)), signal);
      if (response.body === null) return response;
      return new Response(abortableStream(response.body, signal), {
        status: response.status,
        statusText: response.statusText,
        headers: response.headers,
      });
    },
  };
}

/** `promise`, or the signal's reason as a rejection, whichever comes first. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** `source` as it is, but failed (and cancelled at its producer) when `signal` aborts. */
function abortableStream(
  source: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let abort = (): void => {};
  return new ReadableStream<Uint8Array>({
    start(controller) {
      abort = () => {
        controller.error(signal.reason);
        // The producer's own failure while it is told to stop has nobody left to hear it.
        reader.cancel(signal.reason).catch(() => {});
      };
      signal.addEventListener("abort", abort, { once: true });
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (signal.aborted) return;
      if (!done) return controller.enqueue(value);
      signal.removeEventListener("abort", abort);
      controller.close();
    },
    cancel(reason) {
      signal.removeEventListener("abort", abort);
      return reader.cancel(reason);
    },
  });
}
