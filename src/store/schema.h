/* The schema these programs know: the number of the last migration in sql/migrations. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#define STORE_SCHEMA 6

#endif
