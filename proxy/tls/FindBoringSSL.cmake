# Finds BoringSSL: BoringSSL::SSL and BoringSSL::Crypto, with an rpath where the libraries need one.
#
# -DBORINGSSL_ROOT=PREFIX  an install prefix of upstream BoringSSL (include/openssl, lib/libssl.*); recommended in production.
# default                  Debian's android-libboringssl-dev.
#
# Sets BoringSSL_LEVEL to a line for `poplar --version`.

set(BORINGSSL_ROOT "" CACHE PATH "Install prefix of upstream BoringSSL; empty: Debian's android-libboringssl-dev")

if(BORINGSSL_ROOT)
  set(_hints ${BORINGSSL_ROOT})
  find_path(BoringSSL_INCLUDE_DIR openssl/base.h PATHS ${BORINGSSL_ROOT}/include NO_DEFAULT_PATH)
  find_library(BoringSSL_SSL_LIBRARY ssl PATHS ${BORINGSSL_ROOT}/lib ${BORINGSSL_ROOT}/lib64 NO_DEFAULT_PATH)
  find_library(BoringSSL_CRYPTO_LIBRARY crypto PATHS ${BORINGSSL_ROOT}/lib ${BORINGSSL_ROOT}/lib64 NO_DEFAULT_PATH)
  set(BoringSSL_LEVEL "upstream")
else()
  find_path(BoringSSL_INCLUDE_DIR openssl/base.h PATHS /usr/include/android NO_DEFAULT_PATH)
  find_library(BoringSSL_SSL_LIBRARY ssl PATH_SUFFIXES android PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)
  find_library(BoringSSL_CRYPTO_LIBRARY crypto PATH_SUFFIXES android PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)
  set(BoringSSL_LEVEL "Debian android-libboringssl")
endif()

if(BoringSSL_INCLUDE_DIR)
  file(STRINGS ${BoringSSL_INCLUDE_DIR}/openssl/base.h _boring REGEX "define OPENSSL_IS_BORINGSSL")
  if(NOT _boring)
    message(FATAL_ERROR "${BoringSSL_INCLUDE_DIR}/openssl is not BoringSSL. Point BORINGSSL_ROOT at an install prefix of "
                        "BoringSSL, or install android-libboringssl-dev.")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(BoringSSL
  REQUIRED_VARS BoringSSL_SSL_LIBRARY BoringSSL_CRYPTO_LIBRARY BoringSSL_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Install android-libboringssl-dev, or set BORINGSSL_ROOT to an install prefix of BoringSSL.")

foreach(_part Crypto SSL)
  if(NOT TARGET BoringSSL::${_part})
    string(TOUPPER ${_part} _upper)
    add_library(BoringSSL::${_part} UNKNOWN IMPORTED)
    get_filename_component(_dir ${BoringSSL_${_upper}_LIBRARY} DIRECTORY)
    set_target_properties(BoringSSL::${_part} PROPERTIES
      IMPORTED_LOCATION ${BoringSSL_${_upper}_LIBRARY}
      INTERFACE_INCLUDE_DIRECTORIES ${BoringSSL_INCLUDE_DIR}
      INTERFACE_LINK_OPTIONS "LINKER:-rpath,${_dir}")
  endif()
endforeach()
set_property(TARGET BoringSSL::SSL APPEND PROPERTY INTERFACE_LINK_LIBRARIES BoringSSL::Crypto Threads::Threads)
mark_as_advanced(BoringSSL_INCLUDE_DIR BoringSSL_SSL_LIBRARY BoringSSL_CRYPTO_LIBRARY)
