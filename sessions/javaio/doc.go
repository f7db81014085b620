// Package javaio counts the bytes that Java's ObjectOutputStream would write, so
// that what travels between the lab's nodes is as long as between Tomcat's. It
// writes nothing.
//
// Make a Class for each Java class once, and a Stream, whose zero value is ready,
// for each run of an ObjectOutputStream.
//
// Source: Java Object Serialization Specification, chapter 6, protocol version 2;
// ObjectOutputStream.java.
package javaio
