# Flags that are taken only if the compiler or the linker knows them.

# ATELIER_COMPILE_FLAGS(VARIABLE, FLAGS): appends to VARIABLE those of FLAGS that the compiler takes.
# -Werror, because clang only warns about flags it does not know.
AC_DEFUN([ATELIER_COMPILE_FLAGS], [
for atelier_flag in $2; do
	AC_MSG_CHECKING([whether $CC takes $atelier_flag])
	atelier_saved=$CFLAGS
	CFLAGS="$CFLAGS -Werror $atelier_flag"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); $1="$$1 $atelier_flag"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$atelier_saved
done
])

# ATELIER_LINK_FLAGS(VARIABLE, FLAGS): the same for the linker.
AC_DEFUN([ATELIER_LINK_FLAGS], [
for atelier_flag in $2; do
	AC_MSG_CHECKING([whether the linker takes $atelier_flag])
	atelier_saved=$LDFLAGS
	LDFLAGS="$LDFLAGS -Werror $atelier_flag"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); $1="$$1 $atelier_flag"],
		[AC_MSG_RESULT([no])])
	LDFLAGS=$atelier_saved
done
])

# ATELIER_LIBRARY(VARIABLE, MODULE): pkg-config's module, its headers as the system's own, so that our
# warnings are about our code.
AC_DEFUN([ATELIER_LIBRARY], [
PKG_CHECK_MODULES([$1], [$2])
$1_CFLAGS=`AS_ECHO([" $$1_CFLAGS"]) | $SED 's/ -I */ -isystem /g'`
])
