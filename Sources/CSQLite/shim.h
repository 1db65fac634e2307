#pragma once
// SQLite, and inline functions for what Swift cannot import: calls with a variable number of arguments, and
// SQLITE_TRANSIENT, which has SQLite copy what it is given.
#include <sqlite3.h>

static inline int tokenwell_sqlite3_db_config(sqlite3 *database, int option, int value) {
    return sqlite3_db_config(database, option, value, (int *)0);
}
static inline int tokenwell_sqlite3_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}
static inline int tokenwell_sqlite3_bind_text(sqlite3_stmt *statement, int index, const char *text, int count) {
    return sqlite3_bind_text(statement, index, text, count, SQLITE_TRANSIENT);
}
