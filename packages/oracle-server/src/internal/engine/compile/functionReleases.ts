/** Since which release SQL has a function, for those that came after 12.1: an older server does not know their names. */

const releases: ReadonlyArray<readonly [release: number, names: string]> = [
  [18, "APPROX_COUNT APPROX_RANK APPROX_SUM ROUND_TIES_TO_EVEN"],
  [19, "JSON_MERGEPATCH JSON_SERIALIZE"],
  [
    21,
    "BIT_AND_AGG BIT_OR_AGG BIT_XOR_AGG CHECKSUM JSON_SCALAR JSON_TRANSFORM KURTOSIS_POP KURTOSIS_SAMP SKEWNESS_POP SKEWNESS_SAMP"
  ],
  [
    23,
    "BOOLEAN_AND_AGG BOOLEAN_OR_AGG COSINE_DISTANCE DOMAIN_CHECK DOMAIN_CHECK_TYPE DOMAIN_DISPLAY DOMAIN_NAME DOMAIN_ORDER EVERY " +
    "FROM_VECTOR FUZZY_MATCH HAMMING_DISTANCE INNER_PRODUCT JACCARD_DISTANCE JSON_ID L1_DISTANCE L2_DISTANCE PHONIC_ENCODE " +
    "TIME_BUCKET TO_BOOLEAN TO_VECTOR VECTOR VECTOR_CHUNKS VECTOR_DIMENSION_COUNT VECTOR_DIMENSION_FORMAT VECTOR_DIMS " +
    "VECTOR_DISTANCE VECTOR_EMBEDDING VECTOR_NORM VECTOR_SERIALIZE"
  ]
]

const since: ReadonlyMap<string, number> = new Map(
  releases.flatMap(([release, names]) => names.split(" ").map((name) => [name, release] as const))
)

/** Whether a release has a function of this name, if it is one of SQL's. */
export const isKnownIn = (release: number, name: string): boolean => release >= (since.get(name) ?? 0)
