/**
 * The Worker's bindings as the platform hands them over: nothing here is checked, `config.ts` does
 * that.
 */
export interface Env {
  readonly MASTER: DurableObjectNamespace;
  readonly RELAY: DurableObjectNamespace;
  /** Where clients reach this deployment, as told to frameworks. All three or none. */
  readonly RIMROCK_HOSTNAME?: string;
  readonly RIMROCK_IP?: string;
  readonly RIMROCK_PORT?: string | number;
  /** Mesos duration text ("30secs"); offers older than this are rescinded. */
  readonly RIMROCK_OFFER_TIMEOUT?: string;
}
