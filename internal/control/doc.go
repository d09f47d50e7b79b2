// Package control holds every action of an operator once: authorise, validate,
// persist, audit. The REST API, the console and the command line are faces of
// it and decide nothing themselves.
//
// Each action is a method of [Service] with a context and the [hub.Actor] who
// asks as its first arguments. What an actor may do stands in one table
// (access.go). What a caller may be told of a failure is a *hub.Error.
//
// There is no HTTP and no SQL here: requests are decoded by package api, rows
// are kept by package store, messages are written by package chat and
// deliveries are moved by package delivery. This package declares the little
// that it needs of each.
package control
