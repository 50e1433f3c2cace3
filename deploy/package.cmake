# What `cmake --install` puts where, and the Debian package (preset package; deploy/debian/build.sh).
include(GNUInstallDirs)

set(POPLAR_DEBIAN_REVISION 1 CACHE STRING "What stands behind the dash in the package's version")
set(CPACK_PACKAGE_CONTACT "Poplar maintainers <poplar@example.org>" CACHE STRING
    "Whom the package names as its maintainer: who builds it for others")

# --- what is generated: by the program itself, so that it tells of its own options and settings

set(documents ${PROJECT_BINARY_DIR}/documents)
file(MAKE_DIRECTORY ${documents})
set(document_files)
# FILE COMMAND...: what the command prints goes into the file.
# No semicolon: cmake would make a list of it.
set(into [[out=$1 && shift && "$@" >"$out"]])
# poplar_document(FILE ARGUMENT...): what `poplar ARGUMENT...` prints.
function(poplar_document file)
  add_custom_command(OUTPUT ${documents}/${file}
                     COMMAND sh -c "${into}" sh ${documents}/${file} $<TARGET_FILE:poplar> ${ARGN}
                     DEPENDS poplar VERBATIM)
  set(document_files ${document_files} ${documents}/${file} PARENT_SCOPE)
endfunction()
function(poplar_compressed file source)
  add_custom_command(OUTPUT ${documents}/${file}
                     COMMAND sh -c "${into}" sh ${documents}/${file} gzip -9nc ${source}
                     DEPENDS ${source} VERBATIM)
  set(document_files ${document_files} ${documents}/${file} PARENT_SCOPE)
endfunction()

poplar_document(poplar.1 manual poplar)
poplar_document(poplar.yaml.5 manual poplar.yaml)
poplar_document(poplar.bash completion bash)
poplar_document(poplar.zsh completion zsh)
poplar_document(poplar.fish completion fish)
poplar_document(poplar.yaml config)
configure_file(${CMAKE_CURRENT_LIST_DIR}/debian/changelog.in ${documents}/changelog.Debian @ONLY)
poplar_compressed(poplar.1.gz ${documents}/poplar.1)
poplar_compressed(poplar.yaml.5.gz ${documents}/poplar.yaml.5)
poplar_compressed(changelog.Debian.gz ${documents}/changelog.Debian)
poplar_compressed(changelog.gz ${PROJECT_SOURCE_DIR}/CHANGELOG.md)
add_custom_target(poplar_documents ALL DEPENDS ${document_files})

# --- where it goes

# FindBoringSSL's linker option says where the library is, once and for all.
set_target_properties(poplar PROPERTIES SKIP_BUILD_RPATH ON)
install(TARGETS poplar RUNTIME)
install(FILES ${documents}/poplar.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${documents}/poplar.yaml.5.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${documents}/poplar.bash RENAME poplar DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${documents}/poplar.zsh RENAME _poplar DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${documents}/poplar.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${documents}/changelog.Debian.gz ${documents}/changelog.gz ${CMAKE_CURRENT_LIST_DIR}/debian/copyright
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/SIZING.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${documents}/poplar.yaml ${CMAKE_CURRENT_LIST_DIR}/systemd/poplar.socket
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/prometheus ${CMAKE_CURRENT_LIST_DIR}/grafana
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
        FILES_MATCHING PATTERN "*.yaml" PATTERN "*.json" PATTERN "*.md" PATTERN "*.test.yaml" EXCLUDE)
install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/kubernetes ${CMAKE_CURRENT_LIST_DIR}/migration ${CMAKE_CURRENT_LIST_DIR}/seccomp
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
        PATTERN "*.py" EXCLUDE PATTERN "*.sh" EXCLUDE)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/debian/lintian-overrides RENAME poplar
        DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/systemd/poplar.sysusers RENAME poplar.conf DESTINATION lib/sysusers.d)
# systemd and dpkg look in these alone.
install(FILES ${CMAKE_CURRENT_LIST_DIR}/systemd/poplar.service DESTINATION /lib/systemd/system)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/debian/poplar.yaml DESTINATION /etc/poplar)
install(DIRECTORY DESTINATION /etc/poplar/tls)

# --- the package

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME poplar)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "POP3 proxy and load balancer")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Poplar stands in front of a cluster of mail nodes. It ends TLS, learns who
the user is, and carries the session to that user's own node, chosen by
weighted rendezvous hashing. It probes nodes, carries sessions on when one
dies, reuses connections, and tells Prometheus what it does.")
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${POPLAR_DEBIAN_REVISION})
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# systemd-sysusers makes the user; setpriv is util-linux'.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus, fail2ban")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${documents}/conffiles "/etc/poplar/poplar.yaml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_LIST_DIR}/debian/postinst ${CMAKE_CURRENT_LIST_DIR}/debian/prerm
    ${CMAKE_CURRENT_LIST_DIR}/debian/postrm ${documents}/conffiles)
include(CPack)
