/** What a deployment decides about its master; the same for one life of the object. */
export interface MasterSettings {
  /** Where clients reach the master, as told in SUBSCRIBED and in the state documents. */
  readonly address: { readonly hostname: string; readonly ip: string; readonly port: number };
  /** The Mesos version that clients are told: they compare it as `N.N.N`. */
  readonly version: string;
  /** Offers older than this are rescinded; undefined = never. */
  readonly offerTimeoutMs?: number;
  /** Name of the allocation policy of a new cluster. */
  readonly policy: string;
}

export const defaultSettings: MasterSettings = {
  address: { hostname: "localhost", ip: "127.0.0.1", port: 5050 },
  version: "1.12.0",
  policy: "drf",
};
