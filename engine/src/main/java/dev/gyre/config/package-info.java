/** Strict YAML and JSON with line numbers and near misses. The only room that knows a parser. */
@NullMarked
package dev.gyre.config;

import org.jspecify.annotations.NullMarked;
