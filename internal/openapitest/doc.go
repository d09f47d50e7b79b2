// Package openapitest holds requests and answers against an OpenAPI 3.1
// document, and makes requests from it, for tests.
//
// A [Document] finds the operation of a request and checks status, headers,
// content type and body by what it declares, with JSON Schema 2020-12. A
// [Transport] does so with everything that passes through an http.Client. A
// [Generator] makes values of schemas, and near misses.
package openapitest
