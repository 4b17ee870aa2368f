/** The parameters of the request, percent-decoded; unknown ones are ignored. */
export type Query = Readonly<Record<string, string>>;
